import type { MemoryAccount, Reply } from '@ashlar/hardware';
import { PAGE_BYTES } from '@ashlar/hardware';
import type { Io } from '@ashlar/kernel-stub';
import { BytesIo, type Filesystem } from '@ashlar/unix';
import { SpareBuffers } from './spare-buffers.ts';

/** Pages read at a time, at least and at most: twice as many as before while one read goes on where the last one ended, as few again where it does not. */
const CLUSTER_PAGES_MIN = 8;
const CLUSTER_PAGES_MAX = 32;
const CLUSTER_BYTES_MAX = CLUSTER_PAGES_MAX * PAGE_BYTES;

/** Pages that were read together. */
interface Cluster {
  /** Number of its first page. */
  readonly first: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const NOTHING = new Uint8Array();
/** What caches that are over leave to others. */
const SPARE = new SpareBuffers();

/** Pages of a file behind this one (256 MiB) are not kept: a sparse file may be very long. */
const PAGES_PER_FILE_MAX = 1 << 16;

/** The pages of one file that are at hand: whole ones, with zeroes behind the end of the file. */
export class FilePages {
  /** By page number: its bytes, or the cluster that it was read with, since most are never looked at; missing: not read yet. */
  readonly #pages: (Uint8Array<ArrayBuffer> | Cluster | undefined)[] = [];
  count = 0;
  /** Where the last read ended, and how many pages it was given. */
  #readEnd = 0;
  #readPages = 0;

  /** One past the last page that may be at hand. */
  get end(): number {
    return this.#pages.length;
  }

  has(index: number): boolean {
    return this.#pages[index] !== undefined;
  }

  at(index: number): Uint8Array | undefined {
    const held = this.#pages[index];
    if (held === undefined || held instanceof Uint8Array) return held;
    const offset = (index - held.first) * PAGE_BYTES;
    const page = held.bytes.subarray(offset, offset + PAGE_BYTES);
    this.#pages[index] = page;
    return page;
  }

  /**
   * The pages to be read since one is missing: its neighbours before it as well where it was not to be expected. The same until {@link wasRead}: who has to
   * wait for them asks again.
   */
  readFor(index: number): { first: number; pages: number } {
    const goesOn = index === this.#readEnd && index > 0;
    const pages = goesOn ? Math.min(CLUSTER_PAGES_MAX, this.#readPages * 2) : CLUSTER_PAGES_MIN;
    return { first: goesOn ? index : index - (index % pages), pages };
  }

  /** They were read. */
  wasRead(first: number, pages: number): void {
    this.#readEnd = first + pages;
    this.#readPages = pages;
  }

  put(index: number, cluster: Cluster): void {
    while (this.#pages.length < index) this.#pages.push(undefined);
    this.#pages[index] = cluster;
    this.count++;
  }

  /** Forgets a page that is at hand. */
  forget(index: number): void {
    this.#pages[index] = undefined;
    this.count--;
  }

  /** The memory that its pages are in. */
  *buffers(): Iterable<ArrayBuffer> {
    for (const held of this.#pages) if (held !== undefined) yield held instanceof Uint8Array ? held.buffer : held.bytes.buffer;
  }

  /** No page is at hand from `end` on. */
  cut(end: number): void {
    if (this.#pages.length > end) this.#pages.length = end;
  }
}

/**
 * Contents of files, by page: bounded, charged to the domain's account, and given back whenever they are in the way. A page is what the file system
 * below said when it was read, with the writes of this stub since.
 */
export class PageCache {
  readonly #below: Filesystem;
  readonly #account: MemoryAccount;
  readonly #pagesMax: number;
  #pagesUsed = 0;
  /** Files with pages, the one read into longest ago first. */
  readonly #files = new Set<FilePages>();
  readonly #io = new BytesIo(NOTHING);

  constructor(below: Filesystem, account: MemoryAccount, pagesMax: number) {
    this.#below = below;
    this.#account = account;
    this.#pagesMax = pagesMax;
  }

  get pagesUsed(): number {
    return this.#pagesUsed;
  }

  /** Bytes [at, end) into the io, all of which lie within the file. Straight from the page where it is at hand: nothing is allocated for a whole one. */
  read(file: FilePages, node: number, size: number, at: number, end: number, io: Io): Reply {
    let position = at;
    while (position < end) {
      const index = Math.floor(position / PAGE_BYTES);
      let page = file.at(index);
      if (page === undefined) {
        const filled = this.#fill(file, node, index, size);
        if (filled !== 0) return this.#otherwise(filled, node, position, at, end, io);
        page = file.at(index);
        // The file became shorter below.
        if (page === undefined) break;
      }
      const offset = position - index * PAGE_BYTES;
      const bytes = Math.min(PAGE_BYTES - offset, end - position);
      const put = io.put(position - at, bytes === PAGE_BYTES ? page : page.subarray(offset, offset + bytes));
      if (typeof put !== 'number' || put < 0) return position > at ? position - at : put;
      position += put;
      if (put < bytes) break;
    }
    return position - at;
  }

  /** What was copied before a page could not be had; without any, the reason. No memory for a page: straight from below. */
  #otherwise(filled: Reply, node: number, position: number, at: number, end: number, io: Io): Reply {
    if (filled !== NO_ROOM) return typeof filled !== 'number' || position === at ? filled : position - at;
    if (position > at) return position - at;
    const bytes = new Uint8Array(Math.min(CLUSTER_BYTES_MAX, end - at));
    this.#io.reset(bytes);
    const got = this.#below.read(node, at, this.#io);
    return typeof got !== 'number' || got <= 0 ? got : io.put(0, bytes.subarray(0, got));
  }

  /** Reads the cluster around a missing page. 0, an errno, a wait, or {@link NO_ROOM}. */
  #fill(file: FilePages, node: number, index: number, size: number): Reply {
    if (index >= PAGES_PER_FILE_MAX) return NO_ROOM;
    const { first, pages } = file.readFor(index);
    const bytes = SPARE.take(Math.min(pages, Math.ceil(size / PAGE_BYTES) - first) * PAGE_BYTES);
    this.#io.reset(bytes);
    const got = this.#below.read(node, first * PAGE_BYTES, this.#io);
    if (typeof got !== 'number' || got < 0) {
      SPARE.give(bytes.buffer);
      return got;
    }
    file.wasRead(first, pages);
    bytes.fill(0, got);
    const valid = Math.ceil(got / PAGE_BYTES);
    if (!this.#room(valid)) {
      SPARE.give(bytes.buffer);
      return NO_ROOM;
    }
    const cluster = { first, bytes };
    for (let i = 0; i < valid; i++) {
      if (file.has(first + i)) this.#account.charge(-1);
      else {
        this.#pagesUsed++;
        file.put(first + i, cluster);
      }
    }
    this.#files.delete(file);
    this.#files.add(file);
    return 0;
  }

  /** Charges for so many more pages, letting go of others if need be. */
  #room(pages: number): boolean {
    while (this.#pagesUsed + pages > this.#pagesMax || this.#account.charge(pages) < 0) {
      const oldest = this.#files.values().next().value;
      if (oldest === undefined) return false;
      this.drop(oldest, 0);
    }
    return true;
  }

  /** This stub wrote `bytes` at `at`: pages at hand say so too. `io` still has the bytes. */
  wrote(file: FilePages, at: number, bytes: number, io: Io): void {
    let position = at;
    const end = at + bytes;
    while (position < end) {
      const index = Math.floor(position / PAGE_BYTES);
      const offset = position - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - offset, end - position);
      const page = file.at(index);
      if (page !== undefined && io.get(position - at, page.subarray(offset, offset + count)) !== count) this.#dropPage(file, index);
      position += count;
    }
  }

  /** The file is `size` bytes long now: what lay behind is gone. */
  cut(file: FilePages, size: number): void {
    const kept = Math.ceil(size / PAGE_BYTES);
    this.drop(file, kept);
    const rest = size % PAGE_BYTES;
    if (rest !== 0) file.at(kept - 1)?.fill(0, rest);
  }

  /** Lets go of the pages from `first` on. */
  drop(file: FilePages, first: number): void {
    for (let index = first; index < file.end; index++) this.#dropPage(file, index);
    file.cut(first);
    if (file.count === 0) this.#files.delete(file);
  }

  #dropPage(file: FilePages, index: number): void {
    if (!file.has(index)) return;
    file.forget(index);
    this.#pagesUsed--;
    this.#account.charge(-1);
  }

  /** Lets go of everything; pages given back. */
  clear(): number {
    const before = this.#pagesUsed;
    for (const file of [...this.#files]) this.drop(file, 0);
    return before;
  }

  /** Nothing is read or written afterwards: its memory goes to the next one. */
  end(): void {
    const buffers = new Set<ArrayBuffer>();
    for (const file of this.#files) for (const buffer of file.buffers()) buffers.add(buffer);
    this.clear();
    this.#io.reset(NOTHING);
    for (const buffer of buffers) SPARE.give(buffer);
  }
}

/** Marks a failure that is the cache's own: larger than any errno. */
const NO_ROOM = -1_000_000;
