import type { Attributes, Instant } from '@ashlar/hardware';
import { FileType } from '@ashlar/hardware';

/** A fresh record for a request to fill in. */
export function newAttributes(): Attributes {
  return {
    node: 0,
    mode: 0,
    size: 0,
    links: 0,
    uid: 0,
    gid: 0,
    rdev: 0,
    atime: { sec: 0, nsec: 0 },
    mtime: { sec: 0, nsec: 0 },
    ctime: { sec: 0, nsec: 0 },
  };
}

export function copyInstant(from: Instant, to: Instant): void {
  to.sec = from.sec;
  to.nsec = from.nsec;
}

/** Copies every attribute; no allocation. */
export function copyAttributes(from: Attributes, to: Attributes): void {
  to.node = from.node;
  to.mode = from.mode;
  to.size = from.size;
  to.links = from.links;
  to.uid = from.uid;
  to.gid = from.gid;
  to.rdev = from.rdev;
  copyInstant(from.atime, to.atime);
  copyInstant(from.mtime, to.mtime);
  copyInstant(from.ctime, to.ctime);
}

export const isDirectory = (mode: number): boolean => (mode & FileType.MASK) === FileType.DIRECTORY;
export const isSymlink = (mode: number): boolean => (mode & FileType.MASK) === FileType.SYMLINK;
export const isRegular = (mode: number): boolean => (mode & FileType.MASK) === FileType.REGULAR;

/** makedev(3) with Linux's encoding, for major and minor below 2^12 and 2^20. */
export const deviceNumber = (major: number, minor: number): number => (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
/** Inverse of {@link deviceNumber}. */
export const majorOf = (rdev: number): number => (rdev >>> 8) & 0xfff;
export const minorOf = (rdev: number): number => (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
