import { type AddressSpace, Errno, type GuestAddress, type Reply, type Wasm32Context } from '@ashlar/hardware';
import { AT_CWD, type Io, SYSTEM_LIMITS, type Task, type TaskSystem } from '@ashlar/kernel-stub';
import { GuestVector } from './vector.ts';

/** The call does not come back: the program ended or was replaced. */
export const GONE = 2 ** 31 - 1;

/** A function of WASI: 0, a negated errno of System, {@link GONE}, or a wait. */
export type WasiFunction = (call: Call) => Reply;

/** Descriptors as programs see them: 0, 1, 2 are the stub's own; then two directories that are always open; then the stub's from 3 on. */
export const FIRST_PREOPEN = 3;
/** Names of the directories, in order. See paths.ts for what they mean. */
export const PREOPENS = ['/', '.'] as const;
export const FIRST_ORDINARY = FIRST_PREOPEN + PREOPENS.length;
export const ROOT_FD = FIRST_PREOPEN;
export const CURRENT_FD = FIRST_PREOPEN + 1;

export const isPreopen = (fd: number): boolean => fd >= FIRST_PREOPEN && fd < FIRST_ORDINARY;
/** The stub's descriptor; -1, which is none, for a directory that is always open. */
export const stubFd = (fd: number): number => (fd < FIRST_PREOPEN ? fd : isPreopen(fd) ? -1 : fd - PREOPENS.length);
export const wasiFd = (fd: number): number => (fd < FIRST_PREOPEN ? fd : fd + PREOPENS.length);

const TWO_32 = 4_294_967_296;
const SLASH = 0x2f;
const SCRATCH_BYTES = 256;

/**
 * One call under way. A single object serves all calls of a personality one after the other, and keeps nothing from one to the next.
 * Arguments are named by word: i64 takes two.
 */
export class Call {
  system!: TaskSystem;
  task!: Task;
  context!: Wasm32Context;
  space!: AddressSpace;
  /** The import's module is wasi_unstable: the snapshot before preview 1, with other layouts in four places. */
  unstable = false;
  /** For small structures, written here and then copied out. */
  readonly scratch = new Uint8Array(SCRATCH_BYTES);
  readonly view = new DataView(this.scratch.buffer);
  readonly #vector = new GuestVector();

  begin(system: TaskSystem, task: Task, context: Wasm32Context, unstable: boolean): void {
    this.system = system;
    this.task = task;
    this.context = context;
    this.space = task.space;
    this.unstable = unstable;
  }

  // Arguments.

  u32(word: number): number {
    return this.context.args[word]! >>> 0;
  }

  /** An unsigned 64-bit argument: exact below 2^53. */
  u64(word: number): number {
    return this.u32(word + 1) * TWO_32 + this.u32(word);
  }

  /** A signed 64-bit argument: exact within ±2^53. */
  s64(word: number): number {
    return this.context.args[word + 1]! * TWO_32 + this.u32(word);
  }

  address(word: number): GuestAddress {
    return this.u32(word) as GuestAddress;
  }

  /** The stub's descriptor that an argument names. */
  fd(word: number): number {
    return stubFd(this.u32(word));
  }

  /** Checks that results can be written later, before something is done that cannot be repeated. */
  canWrite(at: number, bytes: number): boolean {
    return at + bytes <= this.space.limit;
  }

  // Guest memory.

  put(at: number, from: Uint8Array): Reply {
    if (from.length === 0) return 0;
    const moved = this.space.copyOut(at as GuestAddress, from);
    return moved === from.length ? 0 : typeof moved === 'number' ? -Errno.EFAULT : moved;
  }

  /** The first `bytes` of the scratch. */
  store(at: number, bytes: number): Reply {
    return this.put(at, this.scratch.subarray(0, bytes));
  }

  store32(at: number, value: number): Reply {
    return this.space.store32(at as GuestAddress, value);
  }

  store64(at: number, value: number): Reply {
    this.view.setUint32(0, value % TWO_32, true);
    this.view.setUint32(4, Math.floor(value / TWO_32), true);
    return this.store(at, 8);
  }

  /** A copy of guest bytes. */
  bytes(at: number, count: number): Uint8Array | Reply {
    const copy = new Uint8Array(count);
    if (count === 0) return copy;
    const moved = this.space.copyIn(at as GuestAddress, copy);
    return moved === count ? copy : typeof moved === 'number' ? -Errno.EFAULT : moved;
  }

  /** A path argument: pointer and length in two words. -ENAMETOOLONG, -EINVAL for one with a NUL in it. */
  string(word: number): Uint8Array | Reply {
    const length = this.u32(word + 1);
    if (length >= SYSTEM_LIMITS.pathBytes) return -Errno.ENAMETOOLONG;
    const found = this.bytes(this.u32(word), length);
    return found instanceof Uint8Array && found.includes(0) ? -Errno.EINVAL : found;
  }

  buffer(at: number, bytes: number): Io {
    return this.#vector.one(this.space, at, bytes);
  }

  /** An iovec array: pointer and count in two words. Then {@link vector} is its run of bytes. */
  vectors(word: number): Reply {
    return this.#vector.many(this.space, this.u32(word), this.u32(word + 1));
  }

  get vector(): Io {
    return this.#vector;
  }
}

export const isBytes = (value: Uint8Array | Reply): value is Uint8Array => value instanceof Uint8Array;

/** Where a path begins: a directory of the stub and a path in it. */
export interface Place {
  readonly dir: number;
  readonly path: Uint8Array;
}

/** A path relative to a descriptor, as the stub takes it. */
export function placeOf(fd: number, path: Uint8Array): Place {
  if (fd === CURRENT_FD) return { dir: AT_CWD, path };
  if (fd !== ROOT_FD) return { dir: stubFd(fd), path };
  const absolute = new Uint8Array(path.length + 1);
  absolute[0] = SLASH;
  absolute.set(path, 1);
  return { dir: AT_CWD, path: absolute };
}

/** Whether a path is absolute, which none may be: WASI's are relative to a directory. */
export const isAbsolute = (path: Uint8Array): boolean => path[0] === SLASH;
