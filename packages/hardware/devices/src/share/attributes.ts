import type { Attributes, Instant } from '@ashlar/hardware';

/** An attributes record to be filled. */
export function blankAttributes(): Attributes {
  return { node: 0, mode: 0, size: 0, links: 0, uid: 0, gid: 0, rdev: 0, atime: instant(), mtime: instant(), ctime: instant() };
}

export function instant(): Instant {
  return { sec: 0, nsec: 0 };
}

export function copyInstant(to: Instant, from: Instant): void {
  to.sec = from.sec;
  to.nsec = from.nsec;
}

export function copyAttributes(to: Attributes, from: Attributes): void {
  to.node = from.node;
  to.mode = from.mode;
  to.size = from.size;
  to.links = from.links;
  to.uid = from.uid;
  to.gid = from.gid;
  to.rdev = from.rdev;
  copyInstant(to.atime, from.atime);
  copyInstant(to.mtime, from.mtime);
  copyInstant(to.ctime, from.ctime);
}
