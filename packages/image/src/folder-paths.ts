import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { Errno } from '@ashlar/hardware';
import { errnoName } from './error.ts';

/** What makes a host file the same file: its device and inode number. Never shown to a guest. */
export type Identity = string;

export function identityOf(found: { readonly dev: bigint; readonly ino: bigint }): Identity {
  return `${found.dev}:${found.ino}`;
}

/** Where a node was last seen. */
export interface Place {
  readonly number: number;
  parent: Place | undefined;
  name: Buffer;
  readonly identity: Identity;
}

/** Thrown inside a folder operation and turned into its result: an errno without a stack. */
export class Refusal {
  constructor(readonly errno: number) {}
}

/** O_PATH of Linux, which Node.js does not name; 0 where there is none. */
const O_PATH = process.platform === 'linux' ? 0o10000000 : 0;
const SLASH = Buffer.from('/');

/**
 * Host paths of a folder's directories, such that no symbolic link is followed on the way to them.
 *
 * On Linux a directory is held open, and its children are reached as `/proc/self/fd/N/NAME`: the kernel resolves one name in that very directory,
 * as openat(2) does, so that nobody who swaps a directory for a link can lead it elsewhere. Each directory is opened in its parent in the same way,
 * without following, and must be the one that was seen before (device and inode number).
 *
 * Elsewhere each component is looked at (lstat) and must be the directory seen before; between the look and the use a swap by
 * someone else on the host is possible and is not noticed.
 */
export class FolderPaths {
  /** Open directories, the least recently used first. Only Linux. */
  readonly #open = new Map<number, number>();

  constructor(
    private readonly rootPath: string,
    readonly held: boolean = process.platform === 'linux',
    private readonly limit: number = 64,
  ) {}

  /** To be called where no path is in use: closes what is over the limit. */
  trim(): void {
    for (const [number, fd] of this.#open) {
      if (this.#open.size <= this.limit) return;
      closeSync(fd);
      this.#open.delete(number);
    }
  }

  forget(number: number): void {
    const fd = this.#open.get(number);
    if (fd === undefined) return;
    closeSync(fd);
    this.#open.delete(number);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  /** A path to a child that is good until the next {@link trim}; the child itself must not be followed if it is a link. */
  child(directory: Place, name: Uint8Array): Buffer {
    return Buffer.concat([this.directory(directory), SLASH, name]);
  }

  /** A path to a directory that may be followed. In a loop, for a guest chooses how deep directories are. */
  directory(place: Place): Buffer {
    const chain: Place[] = [];
    let from: Place | undefined = place;
    while (from !== undefined && !this.#open.has(from.number)) {
      chain.push(from);
      from = from.parent;
    }
    let path = from === undefined ? undefined : this.#use(from);
    for (let left = chain.length - 1; left >= 0; left--) {
      const next = chain[left]!;
      const reached: Buffer = path === undefined ? Buffer.from(this.rootPath) : Buffer.concat([path, SLASH, next.name]);
      path = this.held ? this.#enter(next, reached) : check(next, reached);
      // Of a long way only the end stays open.
      const passed = chain[left + this.limit];
      if (passed !== undefined) this.forget(passed.number);
    }
    return path!;
  }

  /** The path of a directory that is open. */
  #use(place: Place): Buffer {
    const fd = this.#open.get(place.number)!;
    this.#open.delete(place.number);
    this.#open.set(place.number, fd);
    return Buffer.from(`/proc/self/fd/${fd}`);
  }

  #enter(place: Place, path: Buffer): Buffer {
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (identityOf(fstatSync(fd, { bigint: true })) !== place.identity) {
      closeSync(fd);
      throw new Refusal(-Errno.ESTALE);
    }
    this.#open.set(place.number, fd);
    return this.#use(place);
  }

  /** Lets `use` change the file itself, whatever is under its name by now. Not for symbolic links. */
  onFile<T>(path: Buffer, identity: Identity, use: (target: string | number) => T): T {
    const fd = openSync(path, (O_PATH === 0 || !this.held ? constants.O_RDONLY | constants.O_NONBLOCK : O_PATH) | constants.O_NOFOLLOW);
    try {
      const found = fstatSync(fd, { bigint: true });
      if (identityOf(found) !== identity) throw new Refusal(-Errno.ESTALE);
      if (found.isSymbolicLink()) throw new Refusal(-Errno.EOPNOTSUPP);
      return use(O_PATH === 0 || !this.held ? fd : `/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  }
}

function check(place: Place, path: Buffer): Buffer {
  const found = lstatSync(path, { bigint: true });
  if (!found.isDirectory()) throw new Refusal(-Errno.ENOTDIR);
  if (identityOf(found) !== place.identity) throw new Refusal(-Errno.ESTALE);
  return path;
}

/** Runs an operation of the host's file system and gives its errno as a result. */
export function attempt<T>(operation: () => T): T | number {
  try {
    return operation();
  } catch (error) {
    if (error instanceof Refusal) return error.errno;
    const name = errnoName(error);
    // O_NOFOLLOW on a link: to the guest's kernel that is a node that changed under it.
    if (name === 'ELOOP') return -Errno.ESTALE;
    if (name in Errno) return -Errno[name as keyof typeof Errno];
    if (name.startsWith('ERR_')) return -Errno.EINVAL;
    if (name === '') throw error;
    return -Errno.EIO;
  }
}
