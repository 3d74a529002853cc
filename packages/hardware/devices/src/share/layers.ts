import { type Attributes, Errno, FileType, type Result, ROOT_NODE, type Tree } from '@ashlar/hardware';
import { blankAttributes } from './attributes.ts';
import { bytesOf, keyOf } from './names.ts';
import type { LowerEntry, LowerPlace } from './node.ts';

/**
 * How the numbers of a share are dealt out, so that most nodes need no table: a node of a layer has the layer's base plus its number there, a node
 * of a volume likewise; what is made in the writable layer is counted up from 2.
 */
export const NumberSpace = {
  MADE_END: 2 ** 28,
  LAYER_BASE: 2 ** 28,
  LAYER_SIZE: 2 ** 26,
  LAYERS_MAX: 28,
  VOLUME_BASE: 2 ** 31,
  VOLUME_SIZE: 2 ** 27,
  VOLUMES_MAX: 16,
} as const;

/** Several read-only trees seen as one: a name is the uppermost tree's, and directories of the same name are one directory. */
export class Layers {
  readonly #scratch: Attributes = blankAttributes();
  readonly roots: readonly LowerPlace[];

  /** `trees`: lowest first. */
  constructor(readonly trees: readonly Tree[]) {
    if (trees.length > NumberSpace.LAYERS_MAX) throw new RangeError(`${trees.length} image layers: at most ${NumberSpace.LAYERS_MAX}`);
    this.roots = trees.map((tree, layer) => ({ layer, tree, node: ROOT_NODE, path: '' })).reverse();
  }

  /** The number in the share of a node of a layer; -EOVERFLOW if the tree is too large. */
  numberOf(layer: number, node: number): Result {
    if (node >= NumberSpace.LAYER_SIZE) return -Errno.EOVERFLOW;
    return NumberSpace.LAYER_BASE + layer * NumberSpace.LAYER_SIZE + node;
  }

  /** The node at a {@link LowerPlace.path} of a layer; -ENOENT. */
  walk(layer: number, path: string): LowerPlace | Result {
    const tree = this.trees[layer];
    if (tree === undefined) return -Errno.ENOENT;
    let node: number = ROOT_NODE;
    for (const name of path.split('/').slice(1)) {
      node = tree.lookup(node, bytesOf(name));
      if (node < 0) return node;
    }
    return { layer, tree, node, path };
  }

  /** A child of a directory that lies in `lowers`: its places, the uppermost first; -ENOENT. */
  find(lowers: readonly LowerPlace[], name: Uint8Array): LowerPlace[] | Result {
    const found: LowerPlace[] = [];
    for (const { layer, tree, node, path } of lowers) {
      const child = tree.lookup(node, name);
      if (child === -Errno.ENOENT) continue;
      if (child < 0) return child;
      const type = this.typeOf(tree, child);
      if (type < 0) return type;
      if (found.length > 0 && type !== FileType.DIRECTORY) break;
      found.push({ layer, tree, node: child, path: `${path}/${keyOf(name)}` });
      if (type !== FileType.DIRECTORY) break;
    }
    return found.length === 0 ? -Errno.ENOENT : found;
  }

  /** FileType bits of a node. */
  typeOf(tree: Tree, node: number): Result {
    const result = tree.getattr(node, this.#scratch);
    return result < 0 ? result : this.#scratch.mode & FileType.MASK;
  }

  has(lowers: readonly LowerPlace[], name: string): boolean {
    if (lowers.length === 0) return false;
    const bytes = bytesOf(name);
    return lowers.some(({ tree, node }) => tree.lookup(node, bytes) > 0);
  }

  /** All names of a directory, in a fixed order; -ENFILE past `limit`. */
  list(lowers: readonly LowerPlace[], limit: number): LowerEntry[] | Result {
    const byName = new Map<string, LowerEntry>();
    for (const { layer, tree, node } of lowers) {
      let failed = 0;
      const result = tree.readdir(node, (bytes, child, type) => {
        const name = keyOf(bytes);
        if (byName.has(name)) return true;
        const number = this.numberOf(layer, child);
        if (number < 0) failed = number;
        else if (byName.size >= limit) failed = -Errno.ENFILE;
        else byName.set(name, { name, number, type: (type << 12) & FileType.MASK });
        return failed === 0;
      });
      if (result < 0) return result;
      if (failed < 0) return failed;
    }
    return [...byName.values()];
  }
}
