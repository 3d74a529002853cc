import type { Instant, Reply, Wait } from '@ashlar/hardware';
import { AtFlag, type DirectorySink, OpenFlag, type Status } from '@ashlar/kernel-stub';
import { newAttributes } from '../attributes.ts';
import type { Description } from '../description.ts';
import type { Filesystem } from '../filesystem.ts';
import { BytesIo } from '../io.ts';
import { StandardDevice, standardTree } from '../standard-tree.ts';
import { Tmpfs } from '../tmpfs.ts';
import type { Files } from '../vfs.ts';
import { FakeCaller, FakeHost } from './fake-host.ts';

export const newStatus = (): Status => ({ ...newAttributes(), device: 0, blockBytes: 0, blocks: 0 });

/** A tree over a tmpfs root, and the calls of one caller as a test writes them: paths are strings, waits are asked again. */
export class TreeFixture {
  readonly host = new FakeHost();
  readonly files: Files;
  readonly caller: FakeCaller;
  readonly base: Tmpfs;
  /** Most askings of one call before the test gives up. */
  readonly #askingsMax = 1000;

  constructor(wrap: (root: Tmpfs) => Filesystem = (root) => root) {
    const now = (out: Instant): void => this.host.clock('wall', out);
    this.base = new Tmpfs({ device: StandardDevice.ROOT, account: this.host.account, now, pages: 4096, nodes: 4096, mode: 0o755 });
    this.files = standardTree(this.host, wrap(this.base));
    this.caller = this.as(0);
  }

  as(uid: number): FakeCaller {
    return new FakeCaller({ root: this.files.root(), cwd: this.files.root(), umask: 0o022 }, uid, uid);
  }

  /** Asks until there is an answer. */
  settle<T>(ask: () => T | Reply): Exclude<T, Wait> | number {
    for (let i = 0; i < this.#askingsMax; i++) {
      const answer = ask();
      if (!(typeof answer === 'object' && answer !== null && 'on' in answer)) return answer as Exclude<T, Wait> | number;
    }
    throw new Error('a call was never answered');
  }

  #at(path: string): [FakeCaller, FakeCaller['directories']['cwd'], Uint8Array] {
    return [this.caller, this.caller.directories.cwd, utf8(path)];
  }

  open(path: string, flags: number = OpenFlag.READ_ONLY, mode = 0o644): Description | number {
    return this.settle(() => this.files.open(...this.#at(path), flags, mode));
  }

  opened(path: string, flags: number = OpenFlag.READ_ONLY, mode = 0o644): Description {
    const opened = this.open(path, flags, mode);
    if (typeof opened === 'number') throw new Error(`open ${path}: ${opened}`);
    return opened;
  }

  stat(path: string, flags = 0): Status | number {
    const out = newStatus();
    const reply = this.settle(() => this.files.stat(...this.#at(path), flags, out));
    return reply === 0 ? out : (reply as number);
  }

  lstat(path: string): Status | number {
    return this.stat(path, AtFlag.SYMLINK_NOFOLLOW);
  }

  mkdir(path: string, mode = 0o755): number {
    return this.settle(() => this.files.mkdir(...this.#at(path), mode));
  }

  symlink(target: string, path: string): number {
    return this.settle(() => this.files.symlink(this.caller, utf8(target), this.caller.directories.cwd, utf8(path)));
  }

  link(from: string, to: string): number {
    return this.settle(() => this.files.link(...this.#at(from), this.caller.directories.cwd, utf8(to), 0));
  }

  unlink(path: string): number {
    return this.settle(() => this.files.unlink(...this.#at(path), 0));
  }

  rmdir(path: string): number {
    return this.settle(() => this.files.unlink(...this.#at(path), AtFlag.REMOVE_DIRECTORY));
  }

  rename(from: string, to: string, flags = 0): number {
    return this.settle(() => this.files.rename(...this.#at(from), this.caller.directories.cwd, utf8(to), flags));
  }

  readlink(path: string): string | number {
    const to = new Uint8Array(4096);
    const length = this.settle(() => this.files.readlink(...this.#at(path), to));
    return length < 0 ? length : text(to.subarray(0, length));
  }

  access(path: string, mode: number): number {
    return this.settle(() => this.files.access(...this.#at(path), mode, 0));
  }

  chmod(path: string, mode: number): number {
    return this.settle(() => this.files.setAttributes(...this.#at(path), { mode }, 0));
  }

  chdir(path: string): number {
    const place = this.settle(() => this.files.directory(...this.#at(path)));
    if (typeof place === 'number') return place;
    this.files.drop(this.caller.directories.cwd);
    this.caller.directories.cwd = place;
    return 0;
  }

  chroot(path: string): number {
    const place = this.settle(() => this.files.directory(...this.#at(path)));
    if (typeof place === 'number') return place;
    this.files.drop(this.caller.directories.root);
    this.caller.directories.root = place;
    return 0;
  }

  cwd(): string | number {
    const to = new Uint8Array(4096);
    const length = this.settle(() => this.files.path(this.caller, this.caller.directories.cwd, to));
    return length < 0 ? length : text(to.subarray(0, length));
  }

  write(description: Description, contents: string): number {
    return this.settle(() => description.write(this.caller, new BytesIo(utf8(contents))));
  }

  read(description: Description, most = 65536): string {
    const to = new Uint8Array(most);
    const count = this.settle(() => description.read(this.caller, new BytesIo(to)));
    if (count < 0) throw new Error(`read: ${count}`);
    return text(to.subarray(0, count));
  }

  /** Makes a file with contents. */
  put(path: string, contents: string, mode = 0o644): number {
    const file = this.open(path, OpenFlag.WRITE_ONLY | OpenFlag.CREATE | OpenFlag.TRUNCATE, mode);
    if (typeof file === 'number') return file;
    const written = contents === '' ? 0 : this.write(file, contents);
    file.release();
    return Math.min(written, 0);
  }

  /** A file's contents, or why not. */
  get(path: string): string | number {
    const file = this.open(path);
    if (typeof file === 'number') return file;
    let all = '';
    const to = new Uint8Array(65536);
    for (;;) {
      const count = this.settle(() => file.read(this.caller, new BytesIo(to)));
      if (count > 0) all += text(to.subarray(0, count));
      else {
        file.release();
        return count < 0 ? count : all;
      }
    }
  }

  /** Names in a directory, sorted, without `.` and `..`; in pieces of `most` entries. */
  list(path: string, most = 3): string[] | number {
    const directory = this.open(path, OpenFlag.DIRECTORY);
    if (typeof directory === 'number') return directory;
    const names: string[] = [];
    for (;;) {
      let room = most;
      const sink: DirectorySink = {
        entry: (name) => {
          if (room-- === 0) return false;
          names.push(text(name));
          return true;
        },
      };
      const count = this.settle(() => directory.readdir(this.caller, sink));
      if (count < 0) return count;
      if (count === 0) break;
    }
    directory.release();
    return names.filter((name) => name !== '.' && name !== '..').sort();
  }
}

export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
