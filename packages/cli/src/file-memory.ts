import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Memory into which files are read one after another: its pages are fresh only once, which costs a process that has just begun more than the reading. */
export class FileMemory {
  #bytes = Buffer.alloc(0);

  /**
   * The content of a file, until the next is read. Room for as much again is left, in which nothing is resident before it is used.
   *
   * @throws Error of node:fs; RangeError if it has more than `bytesMax`
   */
  read(path: string, bytesMax = Number.POSITIVE_INFINITY): Buffer {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (size > bytesMax) throw new RangeError(`${path} has ${size} bytes; ${bytesMax} are expected at most`);
      if (this.#bytes.length < size) this.#bytes = Buffer.from(ownPages(2 * size));
      return this.#bytes.subarray(0, readAll(file, this.#bytes.subarray(0, size), 0));
    } finally {
      closeSync(file);
    }
  }
}

/** Reads from a position on until `into` is full or the file ends; gives the bytes read. @throws Error of node:fs */
export function readAll(file: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const bytes = readSync(file, into, done, into.length - done, position + done);
    if (bytes === 0) break;
    done += bytes;
  }
  return done;
}

/**
 * Memory in pages of its own, which go back to the system when it is dropped. A resizable buffer has them, and others are from the C library's heap: of that, glibc
 * goes on to keep up to twice as much in each thread, unused, as the largest piece that was given back had (mallopt(3), M_MMAP_THRESHOLD), and V8 has four threads.
 */
const ownPages = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes, { maxByteLength: bytes });
