import type { AttributeChange, Attributes, Result } from '@ashlar/hardware';
import { Errno, FileType } from '@ashlar/hardware';
import type { Status } from '@ashlar/kernel-stub';
import type { Filesystem } from './filesystem.ts';
import type { Caller } from './host.ts';
import { Access, permitted } from './permission.ts';

const BLOCK_BYTES = 4096;

/** What the file system does not know of stat(2). */
export function completeStatus(out: Status, filesystem: Filesystem): void {
  out.device = filesystem.device;
  out.blockBytes = BLOCK_BYTES;
  out.blocks = Math.ceil(out.size / BLOCK_BYTES) * (BLOCK_BYTES / 512);
}

/** chmod(2), chown(2), utimensat(2), truncate(2): who may change what. */
export function refuseChange(caller: Caller, now: Attributes, change: AttributeChange, byPath: boolean): Result {
  const { euid, egid } = caller.credentials;
  const type = now.mode & FileType.MASK;
  const owner = euid === 0 || euid === now.uid;
  if (change.mode !== undefined && type === FileType.SYMLINK) return -Errno.EOPNOTSUPP;
  if (change.mode !== undefined && !owner) return -Errno.EPERM;
  if (change.uid !== undefined && euid !== 0 && (!owner || change.uid !== now.uid)) return -Errno.EPERM;
  if (change.gid !== undefined && euid !== 0 && (!owner || (change.gid !== now.gid && change.gid !== egid))) return -Errno.EPERM;
  if (change.size !== undefined) {
    if (type === FileType.DIRECTORY) return -Errno.EISDIR;
    if (type !== FileType.REGULAR || change.size < 0) return -Errno.EINVAL;
    if (byPath && !permitted(now, euid, egid, Access.WRITE)) return -Errno.EACCES;
  }
  if (change.atime !== undefined || change.mtime !== undefined) {
    const justNow = change.atime === 'now' && change.mtime === 'now';
    if (!owner && !(justNow && permitted(now, euid, egid, Access.WRITE))) return justNow ? -Errno.EACCES : -Errno.EPERM;
  }
  return 0;
}
