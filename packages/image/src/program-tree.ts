import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { type Attributes, Errno, FileType, type Result, ROOT_NODE, type Tree } from '@ashlar/hardware';
import { compareBytes } from './tree-index.ts';

const PROGRAM_NODE = 2;

/** One program: a root directory with nothing but `/NAME` in it, mode 0755. Its contents are read from the open file. */
export class ProgramTree implements Tree {
  /** The program's name: the last part of the path as it was given. */
  readonly name: string;
  readonly #name: Buffer;
  readonly #fd: number;
  readonly #size: number;
  readonly #mtimeNs: bigint;
  #id: string | undefined;
  #open = true;

  /** @throws the host's error, or one with code EISDIR or EINVAL if the path is not a regular file */
  constructor(path: string) {
    this.name = basename(path);
    this.#name = Buffer.from(this.name);
    this.#fd = openSync(realpathSync(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const found = fstatSync(this.#fd, { bigint: true });
    if (!found.isFile()) {
      closeSync(this.#fd);
      throw Object.assign(new Error(`${path} is not a regular file`), { code: found.isDirectory() ? 'EISDIR' : 'EINVAL' });
    }
    this.#size = Number(found.size);
    this.#mtimeNs = found.mtimeNs;
  }

  /** A digest of name and contents, made when it is first asked for. */
  get id(): string {
    this.#id ??= this.#digest();
    return this.#id;
  }

  lookup(parent: number, name: Uint8Array): Result {
    if (parent === PROGRAM_NODE) return -Errno.ENOTDIR;
    if (parent !== ROOT_NODE) return -Errno.ESTALE;
    return compareBytes(name, this.#name) === 0 ? PROGRAM_NODE : -Errno.ENOENT;
  }

  getattr(node: number, out: Attributes): Result {
    if (node !== ROOT_NODE && node !== PROGRAM_NODE) return -Errno.ESTALE;
    const isProgram = node === PROGRAM_NODE;
    out.node = node;
    out.mode = (isProgram ? FileType.REGULAR : FileType.DIRECTORY) | 0o755;
    out.size = isProgram ? this.#size : 0;
    out.links = isProgram ? 1 : 2;
    out.uid = out.gid = out.rdev = 0;
    out.atime.sec = out.mtime.sec = out.ctime.sec = Number(this.#mtimeNs / 1_000_000_000n);
    out.atime.nsec = out.mtime.nsec = out.ctime.nsec = Number(this.#mtimeNs % 1_000_000_000n);
    return 0;
  }

  readlink(node: number): Result {
    return node === ROOT_NODE || node === PROGRAM_NODE ? -Errno.EINVAL : -Errno.ESTALE;
  }

  read(node: number, at: number, to: Uint8Array): Result {
    if (node === ROOT_NODE) return -Errno.EISDIR;
    if (node !== PROGRAM_NODE || !this.#open) return -Errno.ESTALE;
    if (!(at >= 0)) return -Errno.EINVAL;
    const length = Math.min(to.length, Math.max(0, this.#size - at));
    let done = 0;
    try {
      while (done < length) {
        const moved = readSync(this.#fd, to, done, length - done, at + done);
        // Cut short by somebody since it was opened.
        if (moved === 0) break;
        done += moved;
      }
    } catch {
      return -Errno.EIO;
    }
    return done;
  }

  readdir(node: number, visit: (name: Uint8Array, node: number, type: number) => boolean): Result {
    if (node === PROGRAM_NODE) return -Errno.ENOTDIR;
    if (node !== ROOT_NODE) return -Errno.ESTALE;
    visit(this.#name, PROGRAM_NODE, FileType.REGULAR >>> 12);
    return 0;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  #digest(): string {
    const hash = createHash('sha512').update(this.#name).update('\0');
    const chunk = new Uint8Array(1 << 20);
    for (let at = 0; at < this.#size; at += chunk.length) {
      const length = this.read(PROGRAM_NODE, at, chunk);
      if (length <= 0) break;
      hash.update(chunk.subarray(0, length));
    }
    return `program-sha512-${hash.digest('hex')}`;
  }
}
