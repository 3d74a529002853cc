import type { AttributeChange, Attributes, Plain, Reply } from '@ashlar/hardware';
import type { Filesystem } from './filesystem.ts';
import { sameBytes } from './tree-place.ts';

/** Numbers kept per answered request: op, argument, result, then the attributes of the answer. */
const COLUMNS = 16;
const FIRST_ROWS = 32;
const NO_PATH = new Uint8Array();
/** Rows kept from call to call; a path that needed more gives them back. */
const KEPT_ROWS = 1024;

const Op = {
  LOOKUP: 1,
  GETATTR: 2,
  READLINK: 3,
  SETATTR: 4,
  CREATE: 5,
  MKDIR: 6,
  SYMLINK: 7,
  LINK: 8,
  UNLINK: 9,
  RMDIR: 10,
  RENAME: 11,
} as const;

/** Hands out tags for requests to devices: unique among those that may be open, never 0. */
export interface TagSource {
  next(): number;
}

/** What a suspended call keeps in `task.progress`. */
interface SavedJournal {
  readonly journal: 1;
  readonly call: string;
  readonly path: Uint8Array;
  /** Of a later call of the same operation: it waited, and the calls before it are made again. */
  readonly later: SavedJournal | null;
  readonly tag: number;
  readonly devices: readonly number[];
  /** 1 for each row whose answer holds a reference. */
  readonly held: readonly number[];
  readonly rows: Uint8Array;
  readonly targets: readonly Uint8Array[];
}

/** Whether a parked call waits for a file system: such a wait is short, and signals do not interrupt it (Linux's state D). */
export function isFileWait(progress: Plain | undefined): boolean {
  return typeof progress === 'object' && progress !== null && 'journal' in progress;
}

/**
 * The requests that one file call makes, answered ones first. A call that a wait stops in the middle is made again from its start, with the same
 * arguments; the journal then answers what was answered before, so no request runs twice and no reference is lost, however the call is written:
 *
 * - `begin` at the start of the call, with what `task.progress` holds. - Every request goes through the journal. - At the end `finish` (the call
 *   has its result: references not transferred are given back) or `suspend` (it waits: what to put into `task.progress`).
 * - If the world changed between two askings, so that the call asks something else than before, the rest of the journal is dropped.
 */
export class Journal {
  #numbers = new Float64Array(FIRST_ROWS * COLUMNS);
  #filesystems: (Filesystem | undefined)[] = [];
  #held: boolean[] = [];
  #targets: Uint8Array[] = [];
  /** Rows filled, next row to answer from, next target. */
  #count = 0;
  #next = 0;
  #nextTarget = 0;
  /** Tag of the request that waits, 0 if none. */
  #tag = 0;
  #call = '';
  #path: Uint8Array = NO_PATH;
  #later: SavedJournal | undefined;
  readonly #tags: TagSource;
  readonly #filesystemOf: (device: number) => Filesystem | undefined;

  constructor(tags: TagSource, filesystemOf: (device: number) => Filesystem | undefined) {
    this.#tags = tags;
    this.#filesystemOf = filesystemOf;
  }

  /** `call` and `path` say which call it is: an operation that makes several finds each one's journal again. */
  begin(progress: Plain | undefined, call: string, path: Uint8Array): void {
    this.#count = 0;
    this.#next = 0;
    this.#nextTarget = 0;
    this.#tag = 0;
    this.#call = call;
    this.#path = path;
    this.#later = undefined;
    if (progress === undefined || !isFileWait(progress)) return;
    const saved = progress as unknown as SavedJournal;
    if (saved.call === call && sameBytes(saved.path, path)) {
      this.#later = saved.later ?? undefined;
      this.#load(saved);
    } else this.#later = saved;
  }

  /** The call has its result: gives back every reference that was not transferred. What the caller's progress is then: that of a later call. */
  finish(): Plain | undefined {
    for (let row = 0; row < this.#count; row++) {
      if (this.#held[row]) this.#filesystems[row]?.forget(this.#numbers[row * COLUMNS + 3] as number);
      this.#filesystems[row] = undefined;
    }
    this.#count = 0;
    this.#targets.length = 0;
    if (this.#numbers.length > KEPT_ROWS * COLUMNS) this.#numbers = new Float64Array(FIRST_ROWS * COLUMNS);
    return this.#later as unknown as Plain | undefined;
  }

  /** The call waits: everything answered so far, to be put into `task.progress`. */
  suspend(): Plain {
    const used = this.#numbers.slice(0, this.#count * COLUMNS);
    const saved: SavedJournal = {
      journal: 1,
      call: this.#call,
      path: this.#path.slice(),
      later: this.#later ?? null,
      tag: this.#tag,
      devices: this.#filesystems.slice(0, this.#count).map((filesystem) => filesystem?.device ?? 0),
      held: this.#held.slice(0, this.#count).map(Number),
      rows: new Uint8Array(used.buffer),
      targets: this.#targets.slice(),
    };
    this.#count = 0;
    this.#targets.length = 0;
    this.#filesystems.length = 0;
    return saved as unknown as Plain;
  }

  /** Gives back what calls hold that will never be made again (their task was killed). */
  abandon(progress: Plain | undefined): void {
    if (!isFileWait(progress)) return;
    for (let saved: SavedJournal | null = progress as unknown as SavedJournal; saved !== null; saved = saved.later) {
      this.begin(saved as unknown as Plain, saved.call, saved.path);
      this.finish();
    }
  }

  /** The caller keeps one reference to the node beyond the call. */
  transfer(filesystem: Filesystem, node: number): void {
    for (let row = this.#count - 1; row >= 0; row--) {
      if (this.#held[row] && this.#filesystems[row] === filesystem && this.#numbers[row * COLUMNS + 3] === node) {
        this.#held[row] = false;
        return;
      }
    }
  }

  lookup(filesystem: Filesystem, parent: number, name: Uint8Array, out: Attributes): Reply {
    return (
      this.#replay(Op.LOOKUP, filesystem, parent, out) ??
      this.#record(Op.LOOKUP, filesystem, parent, out, filesystem.lookup(parent, name, out))
    );
  }

  getattr(filesystem: Filesystem, node: number, out: Attributes): Reply {
    return (
      this.#replay(Op.GETATTR, filesystem, node, out) ?? this.#record(Op.GETATTR, filesystem, node, out, filesystem.getattr(node, out))
    );
  }

  /** Unlike the file system's: the target itself, at most `most` bytes, kept for the length of the call. */
  readlink(filesystem: Filesystem, node: number, scratch: Uint8Array): Reply {
    const known = this.#replay(Op.READLINK, filesystem, node, undefined);
    if (known !== undefined) {
      if (known >= 0) scratch.set(this.#targets[this.#nextTarget++] ?? new Uint8Array());
      return known;
    }
    const reply = this.#record(Op.READLINK, filesystem, node, undefined, filesystem.readlink(node, scratch));
    if (typeof reply === 'number' && reply >= 0) {
      this.#targets.length = this.#nextTarget++;
      this.#targets.push(scratch.slice(0, reply));
    }
    return reply;
  }

  setattr(filesystem: Filesystem, node: number, change: AttributeChange, out: Attributes): Reply {
    return (
      this.#replay(Op.SETATTR, filesystem, node, out) ??
      this.#record(Op.SETATTR, filesystem, node, out, filesystem.setattr(this.#nextTag(), node, change, out))
    );
  }

  create(filesystem: Filesystem, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return (
      this.#replay(Op.CREATE, filesystem, parent, out) ??
      this.#record(Op.CREATE, filesystem, parent, out, filesystem.create(this.#nextTag(), parent, name, mode, rdev, out))
    );
  }

  mkdir(filesystem: Filesystem, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return (
      this.#replay(Op.MKDIR, filesystem, parent, out) ??
      this.#record(Op.MKDIR, filesystem, parent, out, filesystem.mkdir(this.#nextTag(), parent, name, mode, out))
    );
  }

  symlink(filesystem: Filesystem, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return (
      this.#replay(Op.SYMLINK, filesystem, parent, out) ??
      this.#record(Op.SYMLINK, filesystem, parent, out, filesystem.symlink(this.#nextTag(), parent, name, target, out))
    );
  }

  link(filesystem: Filesystem, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    return (
      this.#replay(Op.LINK, filesystem, node, out) ??
      this.#record(Op.LINK, filesystem, node, out, filesystem.link(this.#nextTag(), node, parent, name, out))
    );
  }

  unlink(filesystem: Filesystem, parent: number, name: Uint8Array): Reply {
    return (
      this.#replay(Op.UNLINK, filesystem, parent, undefined) ??
      this.#record(Op.UNLINK, filesystem, parent, undefined, filesystem.unlink(this.#nextTag(), parent, name))
    );
  }

  rmdir(filesystem: Filesystem, parent: number, name: Uint8Array): Reply {
    return (
      this.#replay(Op.RMDIR, filesystem, parent, undefined) ??
      this.#record(Op.RMDIR, filesystem, parent, undefined, filesystem.rmdir(this.#nextTag(), parent, name))
    );
  }

  rename(filesystem: Filesystem, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    return (
      this.#replay(Op.RENAME, filesystem, from, undefined) ??
      this.#record(Op.RENAME, filesystem, from, undefined, filesystem.rename(this.#nextTag(), from, name, to, newName, flags))
    );
  }

  #nextTag(): number {
    if (this.#tag === 0) this.#tag = this.#tags.next();
    return this.#tag;
  }

  /** The answer given before, or undefined: ask. */
  #replay(op: number, filesystem: Filesystem, argument: number, out: Attributes | undefined): number | undefined {
    if (this.#next >= this.#count) return undefined;
    const at = this.#next * COLUMNS;
    const numbers = this.#numbers;
    if (numbers[at] !== op || numbers[at + 1] !== argument || this.#filesystems[this.#next] !== filesystem) {
      this.#dropRest();
      return undefined;
    }
    this.#next++;
    if (out !== undefined) readRow(numbers, at, out);
    return numbers[at + 2] as number;
  }

  #record(op: number, filesystem: Filesystem, argument: number, out: Attributes | undefined, reply: Reply): Reply {
    if (typeof reply !== 'number') return reply;
    this.#tag = 0;
    const row = this.#count;
    if ((row + 1) * COLUMNS > this.#numbers.length) this.#grow();
    const at = row * COLUMNS;
    const numbers = this.#numbers;
    numbers[at] = op;
    numbers[at + 1] = argument;
    numbers[at + 2] = reply;
    if (out !== undefined && reply >= 0) writeRow(numbers, at, out);
    this.#filesystems[row] = filesystem;
    this.#held[row] = reply >= 0 && (op === Op.LOOKUP || op === Op.CREATE || op === Op.MKDIR || op === Op.SYMLINK || op === Op.LINK);
    this.#count = row + 1;
    this.#next = row + 1;
    return reply;
  }

  #grow(): void {
    const grown = new Float64Array(this.#numbers.length * 2);
    grown.set(this.#numbers);
    this.#numbers = grown;
  }

  #dropRest(): void {
    for (let row = this.#next; row < this.#count; row++) {
      if (this.#held[row]) this.#filesystems[row]?.forget(this.#numbers[row * COLUMNS + 3] as number);
    }
    this.#count = this.#next;
    this.#tag = 0;
  }

  #load(saved: SavedJournal): void {
    const rows = new Float64Array(saved.rows.slice().buffer);
    while (this.#numbers.length < rows.length) this.#grow();
    this.#numbers.set(rows);
    this.#count = saved.devices.length;
    this.#filesystems = saved.devices.map((device) => this.#filesystemOf(device));
    this.#held = saved.held.map((held) => held === 1);
    this.#targets = saved.targets.slice();
    this.#tag = saved.tag;
  }
}

function writeRow(numbers: Float64Array, at: number, from: Attributes): void {
  numbers[at + 3] = from.node;
  numbers[at + 4] = from.mode;
  numbers[at + 5] = from.size;
  numbers[at + 6] = from.links;
  numbers[at + 7] = from.uid;
  numbers[at + 8] = from.gid;
  numbers[at + 9] = from.rdev;
  numbers[at + 10] = from.atime.sec;
  numbers[at + 11] = from.atime.nsec;
  numbers[at + 12] = from.mtime.sec;
  numbers[at + 13] = from.mtime.nsec;
  numbers[at + 14] = from.ctime.sec;
  numbers[at + 15] = from.ctime.nsec;
}

function readRow(numbers: Float64Array, at: number, to: Attributes): void {
  to.node = numbers[at + 3] as number;
  to.mode = numbers[at + 4] as number;
  to.size = numbers[at + 5] as number;
  to.links = numbers[at + 6] as number;
  to.uid = numbers[at + 7] as number;
  to.gid = numbers[at + 8] as number;
  to.rdev = numbers[at + 9] as number;
  to.atime.sec = numbers[at + 10] as number;
  to.atime.nsec = numbers[at + 11] as number;
  to.mtime.sec = numbers[at + 12] as number;
  to.mtime.nsec = numbers[at + 13] as number;
  to.ctime.sec = numbers[at + 14] as number;
  to.ctime.nsec = numbers[at + 15] as number;
}
