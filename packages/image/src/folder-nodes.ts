import type { BigIntStats } from 'node:fs';
import { Errno, FileType, ROOT_NODE } from '@ashlar/hardware';
import { type Identity, identityOf, type Place, Refusal } from './folder-paths.ts';
import { compareBytes } from './tree-index.ts';

/** What is known of one file of a host folder. */
export interface FolderNode extends Place {
  parent: FolderNode | undefined;
  readonly type: number;
  /** Somebody above holds this number. */
  held: boolean;
  /** Nodes that are reached through this one. */
  children: number;
  /** The open file, if the name is gone. */
  orphan: number | undefined;
}

/** Highest node number; a share gives each volume a range of this size. */
const NODE_MAX = 2 ** 27 - 1;

export interface NodeLimits {
  /** Nodes known at once; past it -ENFILE. */
  readonly nodes: number;
  /** Nodes that nobody holds but whose numbers are remembered, so that a listing and a later lookup agree. */
  readonly idleNodes: number;
}

/** FileType bits. */
export function typeOf(found: BigIntStats): number {
  return Number(found.mode) & FileType.MASK;
}

/** The numbers of a host folder's files: the same file is the same node, under whatever name it was last seen. */
export class FolderNodes {
  readonly #byNumber = new Map<number, FolderNode>();
  readonly #byIdentity = new Map<Identity, FolderNode>();
  /** Nodes that nobody holds, the oldest first. */
  readonly #idle = new Set<FolderNode>();
  #next = ROOT_NODE + 1;

  constructor(
    private readonly limits: NodeLimits,
    /** Told when a node is forgotten, to close what it had open. */
    private readonly onDrop: (node: FolderNode) => void,
  ) {}

  /** `around`: the folder of a root that is a single file. */
  addRoot(found: BigIntStats, around: FolderNode | undefined, name: Buffer): void {
    const identity = identityOf(found);
    const root: FolderNode = {
      number: ROOT_NODE,
      parent: around,
      name,
      identity,
      type: typeOf(found),
      held: true,
      children: 1,
      orphan: undefined,
    };
    this.#byNumber.set(ROOT_NODE, root);
    this.#byIdentity.set(identity, root);
  }

  has(number: number): boolean {
    return this.#byNumber.has(number);
  }

  /** @throws Refusal -ESTALE */
  get(number: number): FolderNode {
    const node = this.#byNumber.get(number);
    if (node === undefined) throw new Refusal(-Errno.ESTALE);
    return node;
  }

  find(identity: Identity): FolderNode | undefined {
    return this.#byIdentity.get(identity);
  }

  all(): Iterable<FolderNode> {
    return this.#byNumber.values();
  }

  /**
   * The node of a file that was just seen under a name; a new one if it is new, with the given number if there is one.
   * @throws Refusal -ENFILE
   */
  see(directory: FolderNode, name: Uint8Array, found: BigIntStats, number?: number): FolderNode {
    const identity = identityOf(found);
    const known = this.#byIdentity.get(identity);
    if (known !== undefined && known.type === typeOf(found) && known.orphan === undefined) {
      if (known.number !== ROOT_NODE) this.move(known, directory, name);
      return known;
    }
    // An inode number used again for another file.
    if (known !== undefined) this.#byIdentity.delete(identity);
    if (this.#byNumber.size >= this.limits.nodes || this.#next > NODE_MAX || (number ?? 0) > NODE_MAX) throw new Refusal(-Errno.ENFILE);
    const node: FolderNode = {
      number: number ?? this.#next,
      parent: directory,
      name: Buffer.from(name),
      identity,
      type: typeOf(found),
      held: false,
      children: 0,
      orphan: undefined,
    };
    this.#next = Math.max(this.#next, node.number + 1);
    directory.children++;
    this.#byNumber.set(node.number, node);
    this.#byIdentity.set(identity, node);
    this.#idle.add(node);
    return node;
  }

  /** The node has another name now. */
  move(node: FolderNode, directory: FolderNode, name: Uint8Array): void {
    if (node.parent === directory && compareBytes(node.name, name) === 0) return;
    directory.children++;
    const before = node.parent;
    node.parent = directory;
    node.name = Buffer.from(name);
    if (before !== undefined) this.#release(before);
  }

  hold(node: FolderNode): void {
    node.held = true;
    this.#idle.delete(node);
    this.#trim();
  }

  /** Nobody holds it any more. A node without a name goes at once. */
  letGo(node: FolderNode): void {
    node.held = false;
    if (node.orphan !== undefined) this.drop(node);
    else this.#idle.add(node);
    this.#trim();
  }

  /** The file is no longer to be found under its identity: its last name is gone. */
  unname(identity: Identity): void {
    this.#byIdentity.delete(identity);
  }

  drop(node: FolderNode): void {
    if (!this.#byNumber.delete(node.number)) return;
    if (this.#byIdentity.get(node.identity) === node) this.#byIdentity.delete(node.identity);
    this.#idle.delete(node);
    this.onDrop(node);
    if (node.parent !== undefined) this.#release(node.parent);
  }

  clear(): void {
    for (const node of this.#byNumber.values()) this.onDrop(node);
    this.#byNumber.clear();
    this.#byIdentity.clear();
    this.#idle.clear();
  }

  #release(node: FolderNode): void {
    node.children--;
    if (node.children === 0 && !node.held && node.number !== ROOT_NODE) this.#idle.add(node);
  }

  #trim(): void {
    for (const node of this.#idle) {
      if (this.#idle.size <= this.limits.idleNodes) return;
      this.#idle.delete(node);
      // One that others are reached through comes back here when they are gone.
      if (node.children === 0) this.drop(node);
    }
  }
}
