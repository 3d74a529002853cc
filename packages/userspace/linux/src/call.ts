import { type AddressSpace, Errno, type GuestAddress, type Instant, PAGE_BYTES, type Reply, type Riscv64Context } from '@ashlar/hardware';
import { type Io, SYSTEM_LIMITS, type Task, type TaskSystem, type Termios } from '@ashlar/kernel-stub';
import { TIMESPEC_BYTES } from './abi/structures.ts';
import { getUnsignedWord, getWord } from './abi/word.ts';
import { GuestIo } from './io.ts';

/** a0: first argument and result. */
const A0 = 10;
const SCRATCH_BYTES = 8192;
const NANOSECONDS = 1_000_000_000;
/** Longest relative timeout that is told from "for ever", in seconds: Linux's KTIME_MAX. */
const SECONDS_MAX = 9_223_372_036;

export const isBytes = (value: Uint8Array | Reply): value is Uint8Array => value instanceof Uint8Array;

/**
 * One system call under way: its arguments, decoded on demand, and guest memory. A single object serves all calls of a personality, one after
 * the other; it keeps nothing from one to the next (a parked call's state is in the task).
 *
 * Guest memory accesses answer 0, -EFAULT, or the wait of an absent page, which a handler passes on.
 */
export class Call {
  system!: TaskSystem;
  task!: Task;
  context!: Riscv64Context;
  space!: AddressSpace;
  /** Address of the ecall. */
  readonly scratch = new Uint8Array(SCRATCH_BYTES);
  readonly view = new DataView(this.scratch.buffer);
  readonly termios: Termios = { input: 0, output: 0, control: 0, local: 0, line: 0, characters: new Uint8Array(19) };
  readonly #io = new GuestIo();
  /** Views of the first n bytes of the scratch, made once each. */
  readonly #heads: (Uint8Array | undefined)[] = [];
  #poll: Int32Array | undefined;

  begin(system: TaskSystem, task: Task, context: Riscv64Context): void {
    const { space } = task;
    // Mostly it is the task of the last call, and comparing costs less than storing references.
    if (this.task === task && this.context === context && this.space === space && this.system === system) return;
    this.system = system;
    this.task = task;
    this.context = context;
    this.space = space;
  }

  // ───── arguments ─────

  /** As C's int: the low 32 bits, signed. */
  int(index: number): number {
    return this.context.readLow(A0 + index);
  }

  /** As C's unsigned int. */
  unsigned(index: number): number {
    return this.context.readLow(A0 + index) >>> 0;
  }

  /** As C's long: exact within ±2^53, else not a safe integer. */
  long(index: number): number {
    return this.context.readNumber(A0 + index);
  }

  /** As C's size_t: exact below 2^53. */
  size(index: number): number {
    return this.context.readUnsigned(A0 + index);
  }

  address(index: number): GuestAddress {
    return this.context.readUnsigned(A0 + index) as GuestAddress;
  }

  /** A buffer and its length as one piece of Io. */
  buffer(address: number, size: number): Io {
    return this.#io.one(this.space, this.address(address), this.size(size));
  }

  piece(at: number, bytes: number): Io {
    return this.#io.one(this.space, at, bytes);
  }

  /** An array of struct iovec; after 0, `vector` is its Io. */
  vectors(at: number, count: number): Reply {
    return this.#io.many(this.space, at, count);
  }

  get vector(): Io {
    return this.#io;
  }

  /** A part of the buffer or of the vectors that were set up last. */
  part(from: number, bytes: number): Io {
    return this.#io.part(from, bytes);
  }

  /** A reusable set of `count` ≤ SYSTEM_LIMITS.pollSet triples. */
  triples(count: number): Int32Array {
    if (this.#poll === undefined || this.#poll.length < count * 3) this.#poll = new Int32Array(Math.max(64, count * 2) * 3);
    return this.#poll;
  }

  // ───── guest memory ─────

  /** The first `bytes` bytes of the scratch. */
  head(bytes: number): Uint8Array {
    const known = this.#heads[bytes];
    if (known !== undefined) return known;
    const made = this.scratch.subarray(0, bytes);
    this.#heads[bytes] = made;
    return made;
  }

  /** Guest → scratch. */
  fetch(at: number, bytes: number): Reply {
    const moved = this.space.copyIn(at as GuestAddress, this.head(bytes));
    return moved === bytes ? 0 : typeof moved === 'number' ? -Errno.EFAULT : moved;
  }

  /** Scratch → guest. */
  store(at: number, bytes: number): Reply {
    return this.put(at, this.head(bytes));
  }

  put(at: number, from: Uint8Array): Reply {
    const moved = this.space.copyOut(at as GuestAddress, from);
    return moved === from.length ? 0 : typeof moved === 'number' ? -Errno.EFAULT : moved;
  }

  /** Host bytes → guest, cut at `room`; the count, an errno, or a wait. */
  putSome(at: number, room: number, from: Uint8Array): Reply {
    const part = from.length <= room ? from : from.subarray(0, room);
    const reply = part.length === 0 ? 0 : this.put(at, part);
    return reply === 0 ? part.length : reply;
  }

  storeInt(at: number, value: number): Reply {
    const reply = this.space.store32(at as GuestAddress, value >>> 0);
    return typeof reply === 'number' && reply > 0 ? 0 : reply;
  }

  /** A struct timespec of a time ≥ 0, word by word: programs ask for the time so often that a copy of 16 bytes is worth avoiding. */
  storeTime(at: number, sec: number, nsec: number): Reply {
    const first = this.storeInt(at, sec);
    if (first !== 0) return first;
    const second = this.storeInt(at + 4, Math.floor(sec / 0x1_0000_0000));
    if (second !== 0) return second;
    const third = this.storeInt(at + 8, nsec);
    return third === 0 ? this.storeInt(at + 12, 0) : third;
  }

  /**
   * Makes sure that [at, at + bytes) can be written without a wait or a fault, before an operation that must not be repeated.
   * Writes back what is there; no other thread runs meanwhile.
   */
  reserve(at: number, bytes: number): Reply {
    for (let done = 0; done < bytes; ) {
      const address = (at + done) as GuestAddress;
      const step = Math.min(bytes - done, PAGE_BYTES - (address % PAGE_BYTES));
      const byte = this.head(1);
      const read = this.space.copyIn(address, byte);
      if (read !== 1) return typeof read === 'number' ? -Errno.EFAULT : read;
      const written = this.space.copyOut(address, byte);
      if (written !== 1) return typeof written === 'number' ? -Errno.EFAULT : written;
      done += step;
    }
    return 0;
  }

  /** A NUL-terminated path, without its NUL: a copy of its own. -ENAMETOOLONG from 4,096 bytes on. */
  path(index: number): Uint8Array | Reply {
    const found = this.string(this.address(index), SYSTEM_LIMITS.pathBytes);
    return found === -Errno.E2BIG ? -Errno.ENAMETOOLONG : found;
  }

  /** A NUL-terminated string of less than `most` ≤ 8,192 bytes; -E2BIG if there is no NUL by then. */
  string(at: number, most: number): Uint8Array | Reply {
    let length = 0;
    while (length < most) {
      const address = (at + length) as GuestAddress;
      const step = Math.min(most - length, PAGE_BYTES - (address % PAGE_BYTES));
      const chunk = this.scratch.subarray(length, length + step);
      const moved = this.space.copyIn(address, chunk);
      if (typeof moved !== 'number' || moved <= 0) return typeof moved === 'number' ? -Errno.EFAULT : moved;
      const end = chunk.subarray(0, moved).indexOf(0);
      if (end >= 0) return this.scratch.slice(0, length + end);
      length += moved;
      if (moved < step && length < most) return -Errno.EFAULT;
    }
    return -Errno.E2BIG;
  }

  /** A null-terminated array of pointers to strings (argv, envp); null itself is the empty array. -E2BIG past `room` bytes in all. */
  strings(at: number, room: number): Uint8Array[] | Reply {
    const strings: Uint8Array[] = [];
    if (at === 0) return strings;
    let used = 0;
    for (let pointer = at; ; pointer += 8) {
      const fetched = this.fetch(pointer, 8);
      if (fetched !== 0) return fetched;
      const target = getUnsignedWord(this.view, 0);
      if (target === 0) return strings;
      const string = this.longString(target, room - used);
      if (!isBytes(string)) return string;
      used += string.length + 9;
      if (used > room) return -Errno.E2BIG;
      strings.push(string);
    }
  }

  /** As `string`, also for one of more than 8,192 bytes (MAX_ARG_STRLEN is 128 KiB). */
  longString(at: number, room: number): Uint8Array | Reply {
    const first = this.string(at, SCRATCH_BYTES);
    if (first !== -Errno.E2BIG) return first;
    const most = Math.min(room, 32 * PAGE_BYTES);
    const parts: Uint8Array[] = [];
    for (let length = 0; length < most; length += SCRATCH_BYTES) {
      const part = this.string(at + length, SCRATCH_BYTES);
      if (isBytes(part)) return joined(parts, part);
      if (part !== -Errno.E2BIG) return part;
      parts.push(this.scratch.slice());
    }
    return -Errno.E2BIG;
  }

  // ───── time ─────

  /** A struct timespec that is a duration or a point in time ≥ 0: -EINVAL as Linux's timespec64_valid, -EFAULT, or a wait. */
  instant(at: number): Instant | Reply {
    const fetched = this.fetch(at, TIMESPEC_BYTES);
    if (fetched !== 0) return fetched;
    return checkedInstant(getWord(this.view, 0), getWord(this.view, 8));
  }

  /** A struct timeval, likewise. */
  timeval(at: number): Instant | Reply {
    const fetched = this.fetch(at, TIMESPEC_BYTES);
    if (fetched !== 0) return fetched;
    return checkedInstant(getWord(this.view, 0), getWord(this.view, 8) * 1000);
  }

  /** Monotonic now plus a duration, at the first asking; what was found then, at later ones. */
  deadline(duration: Instant): Instant {
    const known = this.task.callNote as Instant | undefined;
    if (known !== undefined) return known;
    const deadline = this.after(CLOCK_MONOTONIC, duration.sec, duration.nsec);
    this.task.callNote = deadline as unknown as { sec: number; nsec: number };
    return deadline;
  }

  /** The monotonic time at which `clock` will show `at`, found at the first asking. */
  deadlineOf(clock: number, at: Instant): Instant {
    if (clock === CLOCK_MONOTONIC) return at;
    const known = this.task.callNote as Instant | undefined;
    if (known !== undefined) return known;
    this.system.clock(this.task, clock);
    const sec = at.sec - this.task.values[0]!;
    const nsec = at.nsec - this.task.values[1]!;
    const deadline = this.after(CLOCK_MONOTONIC, sec, nsec);
    this.task.callNote = deadline as unknown as { sec: number; nsec: number };
    return deadline;
  }

  after(clock: number, sec: number, nsec: number): Instant {
    this.system.clock(this.task, clock);
    const sum = this.task.values[1]! + nsec;
    const carry = Math.floor(sum / NANOSECONDS);
    return { sec: Math.max(0, this.task.values[0]! + sec + carry), nsec: sum - carry * NANOSECONDS };
  }
}

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
/** A deadline that has passed: look once, do not wait. */
export const PAST: Instant = Object.freeze({ sec: 0, nsec: 0 });

export function checkedInstant(sec: number, nsec: number): Instant | number {
  if (sec < 0 || nsec < 0 || nsec >= NANOSECONDS) return -Errno.EINVAL;
  return { sec: Math.min(sec, SECONDS_MAX), nsec };
}

export const isInstant = (value: Instant | Reply): value is Instant => typeof value === 'object' && 'sec' in value;

function joined(parts: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  const whole = new Uint8Array(parts.length * SCRATCH_BYTES + last.length);
  parts.forEach((part, index) => {
    whole.set(part, index * SCRATCH_BYTES);
  });
  whole.set(last, parts.length * SCRATCH_BYTES);
  return whole;
}
