import { type Attributes, FileType, type Tree } from '@ashlar/hardware';
import type { Contents } from './contents.ts';
import type { Entries } from './entries.ts';

/** A place in a read-only layer. */
export interface LowerPlace {
  readonly layer: number;
  readonly tree: Tree;
  readonly node: number;
  /** Path within the tree, to find it again where numbers do not last (a live folder): names by {@link keyOf}, each after a slash. */
  readonly path: string;
}

/**
 * What is known of one node while somebody refers to it, or because it differs from the layers. A node of a layer that nobody refers to and that
 * was not changed has no record; its number alone leads back to it.
 */
export interface Node {
  readonly number: number;
  /** FileType bits. */
  readonly type: number;
  /** Where it comes from: of directories, every layer that has one here, the uppermost first. Empty for what was made here. */
  readonly lowers: readonly LowerPlace[];
  /** Where it was last found, to save it by name and to see whether one directory is within another. */
  parent: Node | undefined;
  name: string;
  /** Records that have this one as `parent`. */
  children: number;
  /** References held by openers. */
  references: number;
  /** Own attributes; undefined while those of the layer still hold. */
  attributes: Attributes | undefined;
  /** Own contents of a regular file; undefined while those of the layer still hold. */
  contents: Contents | undefined;
  /** Target of a symbolic link that was made here. */
  target: Uint8Array | undefined;
  /** Names that differ from the layers', of a directory; undefined while none does. */
  entries: Entries | undefined;
  /** The names of all layers together, made when first listed. */
  listing: readonly LowerEntry[] | undefined;
  /** Bytes charged for the record itself. */
  charged: number;
}

export interface LowerEntry {
  readonly name: string;
  readonly number: number;
  readonly type: number;
}

/** Bytes charged for a node that differs from the layers. */
export const NODE_BYTES = 512;

export function newNode(number: number, type: number, lowers: readonly LowerPlace[]): Node {
  return {
    number,
    type,
    lowers,
    parent: undefined,
    name: '',
    children: 0,
    references: 0,
    attributes: undefined,
    contents: undefined,
    target: undefined,
    entries: undefined,
    listing: undefined,
    charged: 0,
  };
}

export function isDirectory(node: Node): boolean {
  return node.type === FileType.DIRECTORY;
}
