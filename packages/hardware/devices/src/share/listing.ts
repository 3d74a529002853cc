import { FileType, type Result } from '@ashlar/hardware';
import { FIRST_ENTRY_COOKIE } from './entries.ts';
import type { Layers } from './layers.ts';
import { bytesOf } from './names.ts';
import type { LowerEntry, Node } from './node.ts';

/** `type`: FileType bits. false: stop. */
export type EntryVisitor = (name: Uint8Array, node: number, type: number, cookie: number) => boolean;

/** Lists directories that are partly the layers' and partly changed. */
export class Lister {
  constructor(
    private readonly layers: Layers,
    /** Most names of the layers in one directory; past it -ENFILE. */
    private readonly namesMax: number,
    /** See {@link LayeredTree.renumbered}. */
    private readonly renumbered: ReadonlyMap<number, number>,
  ) {}

  /**
   * Visits the entries after `cookie`. The layers' names come first, a name's place among them being its cookie, so that hidden names leave gaps; then what was
   * made here, by cookies that grow with each entry made.
   */
  visit(node: Node, cookie: number, visit: EntryVisitor): Result {
    if (cookie < FIRST_ENTRY_COOKIE) {
      // A layer may be a live folder: each listing from the start sees it as it is now.
      if (cookie === 0) node.listing = undefined;
      const listing = this.#lower(node);
      if (typeof listing === 'number') return listing;
      for (let i = cookie; i < listing.length; i++) {
        const { name, number, type } = listing[i]!;
        if (node.entries?.get(name) !== undefined) continue;
        if (!visit(bytesOf(name), this.renumbered.get(number) ?? number, type, i + 1)) return 0;
      }
    }
    let entry = node.entries?.after(Math.max(cookie, FIRST_ENTRY_COOKIE - 1));
    while (entry !== undefined) {
      if (!visit(bytesOf(entry.name), entry.number, entry.type, entry.cookie)) return 0;
      entry = node.entries?.after(entry.cookie);
    }
    return 0;
  }

  isEmpty(node: Node): boolean | Result {
    let empty = true;
    const result = this.visit(node, 0, () => {
      empty = false;
      return false;
    });
    return result < 0 ? result : empty;
  }

  /** st_nlink of a directory that several layers have: none of them knows it. */
  countLinks(node: Node): Result {
    const listing = this.#lower(node);
    if (typeof listing === 'number') return listing;
    let links = 2;
    for (const entry of listing) if (entry.type === FileType.DIRECTORY) links++;
    return links;
  }

  #lower(node: Node): readonly LowerEntry[] | Result {
    if (node.lowers.length === 0) return [];
    if (node.listing !== undefined) return node.listing;
    const listing = this.layers.list(node.lowers, this.namesMax);
    if (typeof listing !== 'number') node.listing = listing;
    return listing;
  }
}
