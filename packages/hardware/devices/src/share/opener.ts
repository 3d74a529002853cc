import {
  type AttributeChange,
  type Attributes,
  Errno,
  type EventKey,
  type FilesystemStatistics,
  type Instant,
  type PartReader,
  type PartWriter,
  type Plain,
  RenameFlag,
  type Reply,
  type Result,
  ROOT_NODE,
  SHARE_IO_BYTES_MAX,
  type Share,
  type Tag,
} from '@ashlar/hardware';
import { LifeCycle } from '../life-cycle.ts';
import { TagWindow } from '../tag-window.ts';
import { blankAttributes, copyAttributes } from './attributes.ts';
import type { ShareDriver } from './driver.ts';
import { describeAttributes, readAttributes } from './layered-state.ts';
import { checkName, keyOf } from './names.ts';
import type { VolumeBackend } from './volume.ts';

/** Most references that one opener may hold: different nodes, and of one node. */
const HELD_NODES_MAX = 1_000_000;
const BLOCK_BYTES = 4096;
/** node u32, cookie u32, type u8, name length u8. */
const RECORD_BYTES = 10;
const KNOWN_RENAME_FLAGS = RenameFlag.NOREPLACE | RenameFlag.EXCHANGE;
export const SHARE_FEATURES: readonly string[] = ['rename-exchange'];

/** A share as one consumer has it: its references, its tags, its life cycle. All answers come at once; nothing ever waits. */
export class ShareOpener implements Share {
  readonly kind = 'share';
  readonly schema = 'share/1';
  readonly #life = new LifeCycle(SHARE_FEATURES);
  readonly #tags = new TagWindow();
  readonly #held = new Map<number, number>();
  #closed = false;

  constructor(
    private readonly driver: ShareDriver,
    private readonly onClose: () => void,
  ) {}

  get event(): EventKey {
    return this.driver.event;
  }

  reset(): Reply {
    this.#life.reset();
    this.#tags.clear();
    for (const [number, count] of this.#held) this.#unreference(number, count);
    this.#held.clear();
    return 0;
  }

  offered(): readonly string[] {
    return this.#life.offered();
  }

  accept(features: readonly string[]): Result {
    return this.#closed ? -Errno.ENODEV : this.#life.accept(features);
  }

  /** Nothing is ever open here: each request is answered at once. */
  quiesce(_until: Instant): Reply {
    return 0;
  }

  close(): void {
    if (this.#closed) return;
    this.reset();
    this.#closed = true;
    this.onClose();
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    const bad = this.#check(parent) || checkName(name);
    return bad < 0 ? bad : this.#hold(this.#lookup(parent, name, out), out);
  }

  getattr(node: number, out: Attributes): Reply {
    const bad = this.#check(node);
    if (bad < 0) return bad;
    return this.#on(
      node,
      (volume, inner, index) => this.#outer(index, volume.getattr(inner, out), out),
      () => done(this.driver.tree.getattr(node, out)),
    );
  }

  setattr(tag: Tag, node: number, change: AttributeChange, out: Attributes): Reply {
    return this.#once(tag, `setattr ${JSON.stringify(change)}`, [node], [], out, () =>
      this.#on(
        node,
        (volume, inner, index) => this.#outer(index, volume.setattr(inner, change, out), out),
        () => done(this.driver.tree.setattr(node, change, out)),
      ),
    );
  }

  readlink(node: number, to: Uint8Array): Reply {
    const bad = this.#check(node);
    if (bad < 0) return bad;
    const index = this.driver.volumes.indexOf(node);
    const target =
      index < 0 ? this.driver.tree.readlink(node) : this.driver.volumes.backend(index).readlink(this.driver.volumes.inner(node));
    if (typeof target === 'number') return target;
    to.set(target.subarray(0, Math.min(to.length, target.length)));
    return target.length;
  }

  create(tag: Tag, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return this.#make(tag, 'create', parent, [mode, rdev], [name], out, (index, inner) =>
      index < 0
        ? this.driver.tree.create(parent, name, mode, rdev, out)
        : this.driver.volumes.backend(index).create(inner, name, mode, out),
    );
  }

  mkdir(tag: Tag, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return this.#make(tag, 'mkdir', parent, [mode], [name], out, (index, inner) =>
      index < 0 ? this.driver.tree.mkdir(parent, name, mode, out) : this.driver.volumes.backend(index).mkdir(inner, name, mode, out),
    );
  }

  symlink(tag: Tag, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return this.#make(tag, 'symlink', parent, [], [name, target], out, (index, inner) =>
      index < 0
        ? this.driver.tree.symlink(parent, name, target, out)
        : this.driver.volumes.backend(index).symlink(inner, name, target, out),
    );
  }

  link(tag: Tag, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    const { volumes, tree } = this.driver;
    return this.#make(tag, 'link', parent, [node], [name], out, (index, inner) => {
      const bad = this.#check(node);
      if (bad < 0) return bad;
      if (volumes.indexOf(node) !== index) return -Errno.EXDEV;
      if (index < 0) return tree.link(node, parent, name, out);
      return volumes.backend(index).link(volumes.inner(node), inner, name, out);
    });
  }

  unlink(tag: Tag, parent: number, name: Uint8Array): Reply {
    return this.#once(tag, 'unlink', [parent], [name], undefined, () =>
      this.#on(
        parent,
        (volume, inner) => checkName(name) || volume.unlink(inner, name),
        () => this.#covered(parent, name) || this.driver.tree.unlink(parent, name),
      ),
    );
  }

  rmdir(tag: Tag, parent: number, name: Uint8Array): Reply {
    return this.#once(tag, 'rmdir', [parent], [name], undefined, () =>
      this.#on(
        parent,
        (volume, inner) => checkName(name) || volume.rmdir(inner, name),
        () => this.#covered(parent, name) || this.driver.tree.rmdir(parent, name),
      ),
    );
  }

  rename(tag: Tag, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    const { volumes, tree } = this.driver;
    return this.#once(tag, 'rename', [from, to, flags], [name, newName], undefined, () => {
      const bad = this.#check(to) || checkName(name) || checkName(newName);
      if (bad < 0) return bad;
      if ((flags & ~KNOWN_RENAME_FLAGS) !== 0 || flags === KNOWN_RENAME_FLAGS) return -Errno.EINVAL;
      if ((flags & RenameFlag.EXCHANGE) !== 0 && !this.#life.has('rename-exchange')) return -Errno.EINVAL;
      if (volumes.indexOf(from) !== volumes.indexOf(to)) return -Errno.EXDEV;
      return this.#on(
        from,
        (volume, inner) => volume.rename(inner, name, volumes.inner(to), newName, flags),
        () => this.#covered(from, name) || this.#covered(to, newName) || tree.rename(from, name, to, newName, flags),
      );
    });
  }

  read(node: number, at: number, to: Uint8Array): Reply {
    const bad = this.#check(node);
    if (bad < 0) return bad;
    const part = to.length > SHARE_IO_BYTES_MAX ? to.subarray(0, SHARE_IO_BYTES_MAX) : to;
    const { volumes, tree } = this.driver;
    const index = volumes.indexOf(node);
    return index < 0 ? tree.read(node, at, part) : volumes.backend(index).read(volumes.inner(node), at, part);
  }

  write(node: number, at: number, from: Uint8Array): Reply {
    const bad = this.#check(node);
    if (bad < 0) return bad;
    const part = from.length > SHARE_IO_BYTES_MAX ? from.subarray(0, SHARE_IO_BYTES_MAX) : from;
    const { volumes, tree } = this.driver;
    const index = volumes.indexOf(node);
    return index < 0 ? tree.write(node, at, part) : volumes.backend(index).write(volumes.inner(node), at, part);
  }

  readdir(node: number, cookie: number, to: Uint8Array): Reply {
    const bad = this.#check(node);
    if (bad < 0) return bad;
    if (!Number.isInteger(cookie) || cookie < 0 || cookie >= 2 ** 32) return -Errno.EINVAL;
    const view = new DataView(to.buffer, to.byteOffset, to.byteLength);
    let at = 0;
    let tooSmall = false;
    const visit = (name: Uint8Array, child: number, type: number, next: number): boolean => {
      if (at + RECORD_BYTES + name.length > to.length) {
        tooSmall = at === 0;
        return false;
      }
      view.setUint32(at, child, true);
      view.setUint32(at + 4, next, true);
      to[at + 8] = type;
      to[at + 9] = name.length;
      to.set(name, at + RECORD_BYTES);
      at += RECORD_BYTES + name.length;
      return true;
    };
    const result = this.#list(node, cookie, visit);
    if (result < 0) return result;
    return tooSmall ? -Errno.EINVAL : at;
  }

  fsync(node: number): Reply {
    const bad = this.#check(node);
    if (bad < 0) return bad;
    return this.#on(
      node,
      (volume, inner) => volume.fsync(inner),
      () => 0,
    );
  }

  statfs(out: FilesystemStatistics): Reply {
    const bad = this.#check(ROOT_NODE);
    if (bad < 0) return bad;
    const { budget, nodes, nodesMax } = this.driver.tree;
    out.blockBytes = BLOCK_BYTES;
    out.blocks = Math.floor(budget.limit / BLOCK_BYTES);
    out.blocksFree = Math.floor((budget.limit - budget.used) / BLOCK_BYTES);
    out.nodes = nodesMax;
    out.nodesFree = Math.max(0, nodesMax - nodes.size);
    return 0;
  }

  forget(node: number, count: number): void {
    const held = this.#held.get(node);
    if (held === undefined || !(count > 0)) return;
    const given = Math.min(held, count);
    if (given === held) this.#held.delete(node);
    else this.#held.set(node, held - given);
    this.#unreference(node, given);
  }

  save(out: PartWriter): Reply {
    out.put('features', this.#life.save());
    out.put('held', [...this.#held].flat());
    this.#tags.save(out);
    return this.driver.save(out.part('tree'));
  }

  /**
   * Takes over what an opener saved. The tree is restored with it unless other openers use it: then it must be in the same state already,
   * as after the driver's own restore.
   */
  restore(part: PartReader): Reply {
    this.reset();
    if (this.driver.openers.size === 1) {
      const result = this.driver.restore(part.part('tree'));
      if (result !== 0) return result;
    }
    const held = part.get('held');
    if (!Array.isArray(held)) return -Errno.EINVAL;
    for (let i = 0; i + 1 < held.length; i += 2) {
      const number = Number(held[i]);
      const count = Number(held[i + 1]);
      if (!(count > 0)) return -Errno.EINVAL;
      this.#reference(number, count);
      this.#held.set(number, count);
    }
    const tags = this.#tags.restore(part);
    return tags < 0 ? tags : this.#life.restore(part.get('features'));
  }

  /** -EIO before `accept`, -ESTALE if this opener does not hold the node. */
  #check(node: number): Result {
    if (!this.#life.isReady) return -Errno.EIO;
    return node === ROOT_NODE || this.#held.has(node) ? 0 : -Errno.ESTALE;
  }

  #on(node: number, volume: (backend: VolumeBackend, inner: number, index: number) => Result, tree: () => Result): Result {
    const { volumes } = this.driver;
    const index = volumes.indexOf(node);
    return index < 0 ? tree() : volume(volumes.backend(index), volumes.inner(node), index);
  }

  /** Puts the share's number into attributes that a volume filled. */
  #outer(index: number, result: Result, out: Attributes): Result {
    if (result >= 0) out.node = this.driver.volumes.outer(index, out.node);
    return result < 0 ? result : 0;
  }

  /** The child's number. */
  #lookup(parent: number, name: Uint8Array, out: Attributes): Result {
    const { volumes, tree } = this.driver;
    const index = volumes.indexOf(parent);
    if (index < 0) return this.driver.covered(tree.lookup(parent, name, out), out);
    const result = this.#outer(index, volumes.backend(index).lookup(volumes.inner(parent), name, out), out);
    return result < 0 ? result : out.node;
  }

  #list(node: number, cookie: number, visit: (name: Uint8Array, node: number, type: number, cookie: number) => boolean): Result {
    const { volumes, tree, mounts } = this.driver;
    if (volumes.indexOf(node) >= 0) return volumes.readdir(node, cookie, visit);
    return tree.readdir(node, cookie, (name, child, type, next) => {
      const index = mounts.get(child);
      return visit(name, index === undefined ? child : volumes.root(index), type >>> 12, next);
    });
  }

  /** -EBUSY if a volume covers what the name leads to. */
  #covered(parent: number, name: Uint8Array): Result {
    const { mounts, tree } = this.driver;
    if (mounts.size === 0) return 0;
    const found = tree.lookup(parent, name, this.#scratch);
    return found > 0 && mounts.has(found) ? -Errno.EBUSY : 0;
  }

  readonly #scratch = blankAttributes();

  /** A tagged request: executed once, and its answer collected by whoever asks again. */
  #once(
    tag: Tag,
    operation: string,
    numbers: readonly number[],
    names: readonly Uint8Array[],
    out: Attributes | undefined,
    execute: () => Result,
  ): Result {
    const bad = this.#tags.check(tag) || (this.#life.isReady ? 0 : -Errno.EIO);
    if (bad < 0) return bad;
    const request = `${operation} ${numbers.join(' ')} ${names.map(keyOf).join('/')}`;
    const answered = this.#tags.find(tag, request);
    if (answered !== undefined) {
      if (out !== undefined && answered.filled !== null) {
        const [node, attributes] = answered.filled as readonly [number, Plain];
        copyAttributes(out, readAttributes(node, attributes));
      }
      return answered.result;
    }
    const first = numbers[0];
    const stale = first === undefined ? 0 : this.#check(first);
    const result = stale < 0 ? stale : execute();
    const filled: Plain = out === undefined || result < 0 ? null : [out.node, describeAttributes(out)];
    this.#tags.keep(tag, request, result, filled);
    return result;
  }

  /** A tagged request that makes a name and hands its node out. */
  #make(
    tag: Tag,
    operation: string,
    parent: number,
    numbers: readonly number[],
    names: readonly Uint8Array[],
    out: Attributes,
    make: (index: number, inner: number) => Result,
  ): Result {
    const { volumes } = this.driver;
    return this.#once(tag, operation, [parent, ...numbers], names, out, () => {
      const bad = checkName(names[0]!);
      if (bad < 0) return bad;
      const index = volumes.indexOf(parent);
      if (index < 0) return this.#hold(make(-1, parent), out);
      const result = this.#outer(index, make(index, volumes.inner(parent)), out);
      return this.#hold(result < 0 ? result : out.node, out);
    });
  }

  /** Takes a reference to a node that was just found or made; 0, or the failure that it was. */
  #hold(number: number, out: Attributes): Result {
    if (number < 0) return number;
    const count = this.#held.get(number) ?? 0;
    if (count === 0 && this.#held.size >= HELD_NODES_MAX) return -Errno.ENFILE;
    out.node = number;
    if (number === ROOT_NODE) return 0;
    this.#held.set(number, count + 1);
    this.#reference(number, 1);
    return 0;
  }

  #reference(number: number, count: number): void {
    if (this.driver.volumes.indexOf(number) < 0) this.driver.tree.reference(number, count);
    else this.driver.volumes.reference(number, count);
  }

  #unreference(number: number, count: number): void {
    if (this.driver.volumes.indexOf(number) < 0) this.driver.tree.unreference(number, count);
    else this.driver.volumes.unreference(number, count);
  }
}

/** The tree answers with a node's number; the device with 0. */
function done(result: Result): Result {
  return result < 0 ? result : 0;
}
