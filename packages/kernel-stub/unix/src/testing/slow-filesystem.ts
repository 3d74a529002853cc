import type { AttributeChange, Attributes, EventKey, FilesystemStatistics, Reply, Wait } from '@ashlar/hardware';
import type { DirectorySink, Io } from '@ashlar/kernel-stub';
import type { Filesystem } from '../filesystem.ts';

/** A file system over another that answers each request with a wait first; the second asking gets the answer, once. It counts requests and holds. */
export class SlowFilesystem implements Filesystem {
  readonly #below: Filesystem;
  readonly device: number;
  readonly type = 'slow';
  readonly magic = 1;
  readonly readOnly = false;
  readonly root: number;
  readonly #pending = new Set<string>();
  /** References given out and not given back. */
  held = 0;
  /** Requests that changed something, with their tags. */
  readonly changes: string[] = [];
  readonly wait: Wait = { on: [1 as EventKey] };
  slow = true;

  constructor(below: Filesystem) {
    this.#below = below;
    this.device = below.device;
    this.root = below.root;
  }

  #once(key: string, ask: () => Reply): Reply {
    if (this.slow && !this.#pending.delete(key)) {
      this.#pending.add(key);
      return this.wait;
    }
    return ask();
  }

  #taking(reply: Reply): Reply {
    if (reply === 0) this.held++;
    return reply;
  }

  #changing(key: string, ask: () => Reply): Reply {
    return this.#once(key, () => {
      this.changes.push(key);
      return ask();
    });
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    return this.#once(`lookup ${parent} ${name}`, () => this.#taking(this.#below.lookup(parent, name, out)));
  }

  getattr(node: number, out: Attributes): Reply {
    return this.#once(`getattr ${node}`, () => this.#below.getattr(node, out));
  }

  setattr(tag: number, node: number, change: AttributeChange, out: Attributes): Reply {
    return this.#changing(`setattr ${tag}`, () => this.#below.setattr(tag, node, change, out));
  }

  readlink(node: number, to: Uint8Array): Reply {
    return this.#once(`readlink ${node}`, () => this.#below.readlink(node, to));
  }

  create(tag: number, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return this.#changing(`create ${tag}`, () => this.#taking(this.#below.create(tag, parent, name, mode, rdev, out)));
  }

  mkdir(tag: number, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return this.#changing(`mkdir ${tag}`, () => this.#taking(this.#below.mkdir(tag, parent, name, mode, out)));
  }

  symlink(tag: number, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return this.#changing(`symlink ${tag}`, () => this.#taking(this.#below.symlink(tag, parent, name, target, out)));
  }

  link(tag: number, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    return this.#changing(`link ${tag}`, () => this.#taking(this.#below.link(tag, node, parent, name, out)));
  }

  unlink(tag: number, parent: number, name: Uint8Array): Reply {
    return this.#changing(`unlink ${tag}`, () => this.#below.unlink(tag, parent, name));
  }

  rmdir(tag: number, parent: number, name: Uint8Array): Reply {
    return this.#changing(`rmdir ${tag}`, () => this.#below.rmdir(tag, parent, name));
  }

  rename(tag: number, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    return this.#changing(`rename ${tag}`, () => this.#below.rename(tag, from, name, to, newName, flags));
  }

  read(node: number, at: number, io: Io): Reply {
    return this.#once(`read ${node} ${at}`, () => this.#below.read(node, at, io));
  }

  write(node: number, at: number, io: Io): Reply {
    return this.#once(`write ${node} ${at}`, () => this.#below.write(node, at, io));
  }

  readdir(node: number, position: number, sink: DirectorySink): Reply {
    return this.#once(`readdir ${node} ${position}`, () => this.#below.readdir(node, position, sink));
  }

  fsync(node: number): Reply {
    return this.#once(`fsync ${node}`, () => this.#below.fsync(node));
  }

  statfs(out: FilesystemStatistics): Reply {
    return this.#once('statfs', () => this.#below.statfs(out));
  }

  forget(node: number): void {
    this.held--;
    this.#below.forget(node);
  }
}
