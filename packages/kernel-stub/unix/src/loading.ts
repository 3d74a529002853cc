import type { Backing, Reply } from '@ashlar/hardware';
import type { Executable } from './files.ts';
import type { Place } from './place.ts';
import { sameBytes } from './tree-place.ts';

/** Reads remembered of one file: what a loader looks at before it maps the rest. */
const READS_MAX = 64;
const READ_BYTES_MAX = 8192;

/**
 * The program files that one execve has opened so far. While a device makes it wait the whole call is made again from its start; it then finds
 * its files open and what it read of them at hand, so that it comes further each time whatever waits.
 */
export class Loading {
  readonly #files: { readonly path: Uint8Array; readonly file: LoadedFile }[] = [];
  #next = 0;

  /** The call is made (again) from its start. */
  begin(): void {
    this.#next = 0;
  }

  /** The file that was opened at this point by that path before, or a new one. The caller closes it either way. */
  open(path: Uint8Array, open: () => Executable | Reply): Executable | Reply {
    const known = this.#files[this.#next];
    if (known !== undefined && sameBytes(known.path, path)) {
      this.#next++;
      return known.file.hold();
    }
    this.#closeFrom(this.#next);
    const opened = open();
    if (typeof opened === 'number' || !('backing' in opened)) return opened;
    const file = new LoadedFile(opened);
    this.#files.push({ path: path.slice(), file });
    this.#next++;
    return file.hold();
  }

  /** The call has its result, or will never have one. */
  close(): void {
    this.#closeFrom(0);
  }

  #closeFrom(first: number): void {
    for (const { file } of this.#files.splice(first)) file.close();
  }
}

/** An executable with several holders, which remembers the first reads. */
class LoadedFile implements Executable {
  readonly place: Place;
  readonly path: string;
  readonly size: number;
  readonly backing: Backing;
  readonly #file: Executable;
  readonly #reads = new Map<string, Uint8Array>();
  #holders = 1;

  constructor(file: Executable) {
    this.#file = file;
    this.place = file.place;
    this.path = file.path;
    this.size = file.size;
    this.backing = file.backing;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  read(at: number, to: Uint8Array): Reply {
    const key = `${at} ${to.length}`;
    const known = this.#reads.get(key);
    if (known !== undefined) {
      to.set(known);
      return known.length;
    }
    const got = this.#file.read(at, to);
    if (typeof got === 'number' && got >= 0 && got <= READ_BYTES_MAX && this.#reads.size < READS_MAX)
      this.#reads.set(key, to.slice(0, got));
    return got;
  }

  close(): void {
    if (--this.#holders > 0) return;
    this.#reads.clear();
    this.#file.close();
  }
}
