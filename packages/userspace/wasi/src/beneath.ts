import { Errno, type Reply } from '@ashlar/hardware';
import { SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import type { Call } from './call.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** How far a walk is: plain data, kept in the task's `callNote` while a request waits. */
export interface Walk {
  /** Components passed, joined by slashes; none of them is a symbolic link. */
  done: Uint8Array;
  /** What is still to be walked. */
  rest: Uint8Array;
  links: number;
}

export const beginWalk = (path: Uint8Array): Walk => ({ done: new Uint8Array(0), rest: path, links: 0 });

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const filled = parts.filter((part) => part.length > 0);
  const whole = new Uint8Array(filled.reduce((sum, part) => sum + part.length + 1, -1));
  let at = 0;
  for (const part of filled) {
    if (at > 0) whole[at++] = SLASH;
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const parentOf = (path: Uint8Array): Uint8Array => path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)));
const isDots = (name: Uint8Array, count: number): boolean => name.length === count && name.every((byte) => byte === DOT);

/** The first component of what is left, and what is behind it; slashes at the end stay, since they ask for a directory. */
function split(rest: Uint8Array): { readonly name: Uint8Array; readonly behind: Uint8Array } {
  const end = rest.indexOf(SLASH);
  if (end < 0) return { name: rest, behind: rest.subarray(rest.length) };
  let next = end;
  while (rest[next] === SLASH) next++;
  return { name: rest.subarray(0, end), behind: rest.subarray(next) };
}

/**
 * Follows a path from a directory as WASI has it: neither `..` nor a symbolic link leads out of the directory (-EPERM). Answers the path without
 * links, but for the last component where it is not to be followed. A wait leaves `walk` where to go on.
 */
export function walkBeneath(call: Call, dir: number, walk: Walk, followLast: boolean): Uint8Array | Reply {
  const directory = walk.rest.at(-1) === SLASH;
  for (;;) {
    const { name, behind } = split(walk.rest);
    if (name.length === 0 && behind.length === 0) break;
    const reply = step(call, dir, walk, name, behind, followLast || behind.length > 0 || directory);
    if (reply !== 0) return reply;
  }
  if (walk.done.length === 0) return Uint8Array.of(DOT);
  return directory ? join(walk.done, Uint8Array.of(DOT)) : walk.done;
}

function step(call: Call, dir: number, walk: Walk, name: Uint8Array, behind: Uint8Array, follow: boolean): Reply {
  if (isDots(name, 2)) {
    if (walk.done.length === 0) return -Errno.EPERM;
    walk.done = parentOf(walk.done);
  } else if (name.length > 0 && !isDots(name, 1)) {
    const next = join(walk.done, name);
    const length = follow ? call.system.readlinkat(call.task, dir, next) : -Errno.EINVAL;
    if (typeof length !== 'number') return length;
    if (length >= 0) return enterLink(walk, call.task.bytes.slice(0, length), behind);
    // What is not there may be what the call is to make; behind it there is nothing.
    if (length !== -Errno.EINVAL && (length !== -Errno.ENOENT || behind.length > 0)) return length;
    walk.done = next;
  }
  walk.rest = behind;
  return 0;
}

function enterLink(walk: Walk, target: Uint8Array, behind: Uint8Array): number {
  if (target[0] === SLASH) return -Errno.EPERM;
  walk.links++;
  walk.rest = join(target, behind);
  if (walk.rest.length >= SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
  return walk.links > SYSTEM_LIMITS.symlinks ? -Errno.ELOOP : 0;
}
