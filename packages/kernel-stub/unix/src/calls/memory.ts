import {
  type Backing,
  Errno,
  type GuestAddress,
  type Instant,
  type Mapping,
  PAGE_BYTES,
  Prot,
  type Reply,
  type Result,
} from '@ashlar/hardware';
import { MapFlag, type TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import { isPageAligned, pageCeil, pageFloor, SharedZeroes } from '../memory.ts';
import { NodeBacking } from '../node-backing.ts';
import type { UnixTask } from '../task.ts';

type Names = 'map' | 'unmap' | 'protect' | 'remap' | 'advise' | 'syncMemory' | 'heapEnd' | 'futexWait' | 'futexWake' | 'futexRequeue';

const REMAP_MAYMOVE = 1;
const REMAP_FIXED = 2;
const MADV_DONTNEED = 4;
const MADV_FREE = 8;
/** Hints that need nothing done: NORMAL … WILLNEED, DONTFORK … POPULATE_WRITE. */
const HINTS = new Set([0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
const MS_ASYNC = 1;
const MS_SYNC = 4;
/** No request is larger: 2^47, the user half of the usual address spaces. */
const BYTES_MAX = 2 ** 47;

const address = (value: number): GuestAddress => value as GuestAddress;

/** The `memory` group of TaskSystem, and futexes. */
export class MemoryCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  map(task: UnixTask, at: GuestAddress, bytes: number, prot: number, flags: number, fd: number, offset: number): Reply {
    const length = pageCeil(bytes);
    const sharing = (flags & 3) === MapFlag.PRIVATE ? 'private' : 'shared';
    if (bytes <= 0 || (flags & 3) === 0 || !isPageAligned(offset) || offset < 0) return -Errno.EINVAL;
    if (length > BYTES_MAX) return -Errno.ENOMEM;
    const from = (flags & MapFlag.ANONYMOUS) !== 0 ? this.#anonymous(sharing) : this.#file(task, fd, prot, sharing);
    if (typeof from === 'number') return from;
    const start = this.#place(task, at, length, flags);
    if (start < 0) return start;
    const reply = task.space.map(address(start), length, prot & 7, from, from === undefined ? 0 : offset, sharing);
    if (reply < 0) return reply === -Errno.ENOSYS ? -Errno.ENOMEM : reply;
    const description = from === undefined ? undefined : task.descriptors.get(fd);
    if (from !== undefined && description !== undefined && (flags & MapFlag.ANONYMOUS) === 0) task.memory.keep(from.id, description);
    return start;
  }

  unmap(task: UnixTask, at: GuestAddress, bytes: number): Result {
    if (bytes <= 0 || !isPageAligned(at)) return -Errno.EINVAL;
    return task.space.unmap(at, pageCeil(bytes));
  }

  protect(task: UnixTask, at: GuestAddress, bytes: number, prot: number): Result {
    if (!isPageAligned(at)) return -Errno.EINVAL;
    if (bytes <= 0) return 0;
    const reply = task.space.protect(at, pageCeil(bytes), prot & 7);
    if (reply !== -Errno.ENOMEM) return reply;
    // What lies before the first hole takes effect, as on Linux.
    let hole: number = at;
    for (const mapping of task.space.mappings()) {
      if (mapping.start <= hole && hole < mapping.start + mapping.bytes) hole = mapping.start + mapping.bytes;
    }
    if (hole > at && hole < at + bytes) task.space.protect(at, hole - at, prot & 7);
    return reply;
  }

  remap(task: UnixTask, at: GuestAddress, bytes: number, newBytes: number, flags: number, to: GuestAddress): Result {
    const fixed = (flags & REMAP_FIXED) !== 0;
    if (!isPageAligned(at) || newBytes <= 0 || bytes <= 0 || (flags & ~3) !== 0) return -Errno.EINVAL;
    if (fixed && ((flags & REMAP_MAYMOVE) === 0 || !isPageAligned(to))) return -Errno.EINVAL;
    const old = pageCeil(bytes);
    const wanted = pageCeil(newBytes);
    const mapping = this.#mappingAt(task, at);
    if (mapping === undefined || mapping.start + mapping.bytes < at + old) return -Errno.EFAULT;
    if (fixed && to < at + old && at < to + wanted) return -Errno.EINVAL;
    if (wanted < old) {
      const reply = task.space.unmap(address(at + wanted), old - wanted);
      if (reply < 0) return reply;
    }
    const kept = Math.min(old, wanted);
    if (fixed) return this.#move(task, mapping, at, kept, wanted, to);
    if (wanted <= old) return at;
    if (task.space.gap(wanted - old, address(at + old), address(at + wanted), PAGE_BYTES) === at + old) {
      const reply = this.#extend(task, mapping, at + old, at + old, wanted - old);
      return reply < 0 ? reply : at;
    }
    if ((flags & REMAP_MAYMOVE) === 0) return -Errno.ENOMEM;
    const free = this.#search(task, wanted);
    return free < 0 ? free : this.#move(task, mapping, at, kept, wanted, address(free));
  }

  advise(task: UnixTask, at: GuestAddress, bytes: number, advice: number): Result {
    if (!isPageAligned(at) || bytes < 0) return -Errno.EINVAL;
    if (advice === MADV_DONTNEED || advice === MADV_FREE) return bytes === 0 ? 0 : task.space.discard(at, pageCeil(bytes));
    return HINTS.has(advice) ? 0 : -Errno.EINVAL;
  }

  /** What was stored in shared pages of files goes to the files; other memory has nowhere to go. */
  syncMemory(task: UnixTask, at: GuestAddress, bytes: number, flags: number): Reply {
    if (!isPageAligned(at) || (flags & ~7) !== 0 || (flags & (MS_ASYNC | MS_SYNC)) === (MS_ASYNC | MS_SYNC)) return -Errno.EINVAL;
    const mapping = this.#mappingAt(task, at);
    if (bytes === 0 || mapping === undefined) return bytes === 0 ? 0 : -Errno.ENOMEM;
    if (mapping.sharing === 'private' || !(mapping.backing instanceof NodeBacking)) return 0;
    const from = mapping.offset + (at - mapping.start);
    return mapping.backing.shared?.flush(from, from + bytes) ?? 0;
  }

  heapEnd(task: UnixTask, at: GuestAddress): Result {
    const memory = task.memory;
    if (memory.heapStart === 0 || at < memory.heapStart) return memory.heapEnd;
    const oldTop = pageCeil(memory.heapEnd);
    const newTop = pageCeil(at);
    if (newTop > oldTop) {
      const bytes = newTop - oldTop;
      if (task.space.gap(bytes, address(oldTop), address(newTop), PAGE_BYTES) !== oldTop) return memory.heapEnd;
      if (task.space.map(address(oldTop), bytes, Prot.READ | Prot.WRITE, undefined, 0, 'private') < 0) return memory.heapEnd;
    } else if (newTop < oldTop && task.space.unmap(address(newTop), oldTop - newTop) < 0) {
      return memory.heapEnd;
    }
    memory.heapEnd = at;
    return at;
  }

  futexWait(task: UnixTask, at: GuestAddress, expected: number, until: Instant | undefined, bits: number): Reply {
    return this.#core.futexes.wait(task, at, expected, until, bits);
  }

  futexWake(task: UnixTask, at: GuestAddress, most: number, bits: number): Result {
    return this.#core.futexes.wakeAt(task, at, most, bits);
  }

  futexRequeue(task: UnixTask, at: GuestAddress, wake: number, move: number, to: GuestAddress, expected: number | undefined): Result {
    return this.#core.futexes.requeue(task, at, wake, move, to, expected);
  }

  #anonymous(sharing: 'private' | 'shared'): Backing | undefined {
    return sharing === 'shared' ? new SharedZeroes(this.#core.serial()) : undefined;
  }

  #file(task: UnixTask, fd: number, prot: number, sharing: 'private' | 'shared'): Backing | Result {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    if (!description.readable) return -Errno.EACCES;
    if (sharing === 'shared' && (prot & Prot.WRITE) !== 0 && !description.writable) return -Errno.EACCES;
    if (sharing === 'shared') description.mappedShared();
    return description.backing();
  }

  /** Where a mapping goes: exactly `at`, at the hint if that is free, or in the lowest gap. */
  #place(task: UnixTask, at: GuestAddress, length: number, flags: number): Result {
    const space = task.space;
    if ((flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) !== 0) {
      if (!isPageAligned(at)) return -Errno.EINVAL;
      if (at < space.base || at + length > space.limit) return -Errno.ENOMEM;
      if ((flags & MapFlag.FIXED_NOREPLACE) !== 0 && !this.#free(task, at, length)) return -Errno.EEXIST;
      return at;
    }
    const hint = pageFloor(at);
    if (hint !== 0 && hint >= space.base && hint + length <= space.limit && this.#free(task, hint, length)) return hint;
    return this.#search(task, length);
  }

  #search(task: UnixTask, length: number): Result {
    const { space, memory } = task;
    const above = space.gap(length, memory.mapStart, space.limit, PAGE_BYTES);
    return above >= 0 ? above : space.gap(length, space.base, memory.mapStart, PAGE_BYTES);
  }

  #free(task: UnixTask, at: number, length: number): boolean {
    return task.space.gap(length, address(at), address(at + length), PAGE_BYTES) === at;
  }

  #mappingAt(task: UnixTask, at: number): Mapping | undefined {
    return task.space.mappings().find((mapping) => at >= mapping.start && at < mapping.start + mapping.bytes);
  }

  #move(task: UnixTask, mapping: Mapping, at: number, kept: number, wanted: number, to: GuestAddress): Result {
    const cleared = task.space.unmap(to, wanted);
    if (cleared < 0) return cleared;
    const moved = task.space.move(address(at), to, kept);
    if (moved < 0) return moved;
    const extended = wanted > kept ? this.#extend(task, mapping, to + kept, at + kept, wanted - kept) : 0;
    return extended < 0 ? extended : to;
  }

  /** Maps at `at` what `mapping` would have at `origin` if it went on so far. */
  #extend(task: UnixTask, mapping: Mapping, at: number, origin: number, bytes: number): Result {
    const offset = mapping.backing === undefined ? 0 : mapping.offset + (origin - mapping.start);
    return task.space.map(address(at), bytes, mapping.prot, mapping.backing, offset, mapping.sharing);
  }
}
