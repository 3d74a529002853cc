import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Memory into which files are read one after another: its pages are fresh only once, which costs a process that has just begun more than the reading. */
export class FileMemory {
  #bytes = Buffer.alloc(0);

  /**
   * The content of a file, until the next is read. Room for as much again is left, in which nothing is resident before it is used.
   *
   * @throws Error of node:fs
   */
  read(path: string): Buffer {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (this.#bytes.length < size) this.#bytes = Buffer.allocUnsafeSlow(2 * size);
      let end = 0;
      while (end < size) {
        const bytes = readSync(file, this.#bytes, end, size - end, null);
        if (bytes === 0) break;
        end += bytes;
      }
      return this.#bytes.subarray(0, end);
    } finally {
      closeSync(file);
    }
  }
}
