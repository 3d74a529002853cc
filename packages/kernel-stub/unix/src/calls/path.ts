import { Errno, type Result } from '@ashlar/hardware';
import { AT_CWD, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import type { Place } from '../place.ts';
import type { UnixTask } from '../task.ts';

const SLASH = 0x2f;

/** Where the path of an *at operation starts. -EBADF, or -ENOTDIR for a descriptor that lies nowhere in the tree; -ENAMETOOLONG. */
export function startOf(task: UnixTask, dir: number, path: Uint8Array): Place | Result {
  if (path.length >= SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
  if (dir === AT_CWD || path[0] === SLASH) return task.directories.cwd;
  const description = task.descriptors.get(dir);
  if (description === undefined) return -Errno.EBADF;
  return description.place() ?? -Errno.ENOTDIR;
}
