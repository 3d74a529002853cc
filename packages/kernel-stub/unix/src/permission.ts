import type { Attributes } from '@ashlar/hardware';
import type { Credentials } from './host.ts';

export const Access = { EXECUTE: 1, WRITE: 2, READ: 4 } as const;
const STICKY = 0o1000;

/** Access by file mode (path_resolution(7), inode(7)). Superusers may read and write all, and execute what anybody may. */
export function permitted(attributes: Attributes, uid: number, gid: number, wanted: number): boolean {
  const { mode } = attributes;
  if (uid === 0) return (wanted & Access.EXECUTE) === 0 || (mode & 0o111) !== 0 || (mode & 0o170000) === 0o040000;
  const shift = attributes.uid === uid ? 6 : attributes.gid === gid ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

/** Whether an entry of a sticky directory may be removed or renamed by `who` (unlink(2), EPERM). */
export function mayRemove(directory: Attributes, entry: Attributes, who: Credentials): boolean {
  return who.euid === 0 || (directory.mode & STICKY) === 0 || directory.uid === who.euid || entry.uid === who.euid;
}
