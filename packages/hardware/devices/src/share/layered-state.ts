import { type Attributes, Errno, FileType, type PartReader, type PartWriter, type Plain, type Result, ROOT_NODE } from '@ashlar/hardware';
import { blankAttributes } from './attributes.ts';
import { CONTENTS_CHUNK_BYTES, Contents } from './contents.ts';
import { Entries, type Entry } from './entries.ts';
import type { LayeredTree } from './layered-tree.ts';
import { type LowerPlace, type Node, newNode } from './node.ts';

/** The unit in which contents are saved. */
const PAGE_BYTES = 4096;
const PAGES_PER_CHUNK = CONTENTS_CHUNK_BYTES / PAGE_BYTES;
/** Nodes in one saved value, so that no value is large. */
const NODES_PER_VALUE = 512;

type Fields = { readonly [key: string]: Plain };

/** Writes everything that differs from the layers, and every node that somebody holds. */
export function saveTree(tree: LayeredTree, out: PartWriter): void {
  const nodes = [...tree.nodes.values()].sort((a, b) => a.number - b.number);
  out.put(
    'layers',
    tree.layers.trees.map(({ id }) => id),
  );
  out.put('next', tree.nextNumber);
  out.put('renumbered', [...tree.renumbered].flat());
  out.put('count', nodes.length);
  for (let at = 0; at < nodes.length; at += NODES_PER_VALUE) {
    out.put(`nodes-${at / NODES_PER_VALUE}`, nodes.slice(at, at + NODES_PER_VALUE).map(describe));
  }
  const page = new Uint8Array(PAGE_BYTES);
  for (const node of nodes) {
    for (const chunk of node.contents?.changed() ?? []) {
      const bytes = node.contents!.chunk(chunk)!;
      for (let i = 0; i < PAGES_PER_CHUNK; i++) {
        page.set(bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
        out.page(`file-${node.number}`, chunk * PAGES_PER_CHUNK + i, page);
      }
    }
  }
}

/**
 * Puts a saved tree in place of this one. -EINVAL if it was saved over other layers or is damaged, -ENOSPC if it is larger than this layer may be;
 * the tree is then as new.
 */
export function restoreTree(tree: LayeredTree, part: PartReader): Result {
  try {
    tree.clear();
    restoreNodes(tree, part);
    return 0;
  } catch (error) {
    tree.clear();
    tree.makeRoot();
    if (error instanceof Unfit) return error.errno;
    throw error;
  }
}

/** What was saved does not fit. */
class Unfit {
  constructor(readonly errno: number = -Errno.EINVAL) {}
}

function describe(node: Node): Plain {
  const { attributes, contents, entries } = node;
  return {
    number: node.number,
    type: node.type,
    parent: node.parent?.number ?? 0,
    name: node.name,
    charged: node.charged,
    lowers: node.lowers.map(({ layer, path }) => ({ layer, path })),
    target: node.target ?? null,
    attributes: attributes === undefined ? null : describeAttributes(attributes),
    contents: contents === undefined ? null : { size: contents.size, lower: contents.lowerBytes, chunks: contents.changed() },
    entries:
      entries === undefined
        ? null
        : { next: entries.nextCookie, list: [...entries.values()].sort((a, b) => a.cookie - b.cookie).map((entry) => ({ ...entry })) },
  };
}

export function describeAttributes(from: Attributes): Plain {
  const { mode, size, links, uid, gid, rdev, atime, mtime, ctime } = from;
  return [mode, size, links, uid, gid, rdev, atime.sec, atime.nsec, mtime.sec, mtime.nsec, ctime.sec, ctime.nsec];
}

export function readAttributes(node: number, from: Plain): Attributes {
  const values = list(from).map(count);
  const out = blankAttributes();
  const [mode = 0, size = 0, links = 0, uid = 0, gid = 0, rdev = 0, as = 0, an = 0, ms = 0, mn = 0, cs = 0, cn = 0] = values;
  Object.assign(out, { node, mode, size, links, uid, gid, rdev });
  Object.assign(out.atime, { sec: as, nsec: an });
  Object.assign(out.mtime, { sec: ms, nsec: mn });
  Object.assign(out.ctime, { sec: cs, nsec: cn });
  return out;
}

function restoreNodes(tree: LayeredTree, part: PartReader): void {
  const layers = list(part.get('layers'));
  const here = tree.layers.trees;
  if (layers.length !== here.length || here.some(({ id }, i) => layers[i] !== id)) throw new Unfit();
  const total = count(part.get('count'));
  const parents: [Node, number][] = [];
  for (let at = 0; at < total; at += NODES_PER_VALUE) {
    for (const saved of list(part.get(`nodes-${at / NODES_PER_VALUE}`))) parents.push(restoreNode(tree, part, fields(saved)));
  }
  if (tree.nodes.get(ROOT_NODE)?.type !== FileType.DIRECTORY) throw new Unfit();
  for (const [node, number] of parents) {
    if (number === 0) continue;
    const parent = tree.nodes.get(number);
    if (parent === undefined) throw new Unfit();
    tree.place(node, parent, node.name);
  }
  for (const node of tree.nodes.values()) {
    for (const entry of node.entries?.values() ?? []) if (entry.number !== 0 && !tree.nodes.has(entry.number)) throw new Unfit();
  }
  tree.nextNumber = count(part.get('next'));
  const pairs = list(part.get('renumbered')).map(count);
  for (let i = 0; i + 1 < pairs.length; i += 2) tree.renumbered.set(pairs[i]!, pairs[i + 1]!);
  for (const node of tree.nodes.values()) tree.keepNumber(node);
}

function restoreNode(tree: LayeredTree, part: PartReader, saved: Fields): [Node, number] {
  const number = count(saved.number);
  if (tree.nodes.has(number) || tree.nodes.size >= tree.nodesMax) throw new Unfit();
  const lowers = list(saved.lowers).map((place) => findLower(tree, fields(place)));
  const node = newNode(
    number,
    count(saved.type),
    lowers.filter((place) => place !== undefined),
  );
  node.name = text(saved.name);
  node.charged = charge(tree, count(saved.charged));
  if (number === ROOT_NODE) node.references = 1;
  if (saved.attributes !== null) node.attributes = readAttributes(number, saved.attributes ?? null);
  // A live folder may have lost what the node was: it stays, without contents.
  else if (node.lowers.length === 0) node.attributes = blankAttributes();
  if (saved.target instanceof Uint8Array) node.target = saved.target.slice();
  if (saved.contents !== null) node.contents = restoreContents(tree, part, node, fields(saved.contents));
  if (saved.entries !== null) node.entries = restoreEntries(tree, fields(saved.entries));
  tree.nodes.set(number, node);
  return [node, count(saved.parent)];
}

function findLower(tree: LayeredTree, place: Fields): LowerPlace | undefined {
  const found = tree.layers.walk(count(place.layer), text(place.path));
  return typeof found === 'number' ? undefined : found;
}

function restoreContents(tree: LayeredTree, part: PartReader, node: Node, saved: Fields): Contents {
  const contents = new Contents(tree.budget, node.lowers[0]);
  contents.restore(count(saved.size), count(saved.lower));
  const key = `file-${node.number}`;
  for (const number of list(saved.chunks).map(count)) {
    const chunk = contents.restoreChunk(number);
    if (typeof chunk === 'number') throw new Unfit(chunk);
    for (let i = 0; i < PAGES_PER_CHUNK; i++) {
      part.page(key, number * PAGES_PER_CHUNK + i, chunk.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
    }
  }
  return contents;
}

function restoreEntries(tree: LayeredTree, saved: Fields): Entries {
  const entries = new Entries(tree.budget);
  for (const item of list(saved.list)) {
    const { name, number, type, cookie } = fields(item);
    const entry: Entry = { name: text(name), number: count(number), type: count(type), cookie: count(cookie) };
    const result = entries.restore(entry);
    if (result < 0) throw new Unfit(result);
  }
  entries.nextCookie = count(saved.next);
  return entries;
}

function charge(tree: LayeredTree, bytes: number): number {
  const result = tree.budget.charge(bytes);
  if (result < 0) throw new Unfit(result);
  return bytes;
}

function list(value: Plain | undefined): readonly Plain[] {
  if (!Array.isArray(value)) throw new Unfit();
  return value as readonly Plain[];
}

function fields(value: Plain | undefined): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) throw new Unfit();
  return value as Fields;
}

function count(value: Plain | undefined): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unfit();
  return value;
}

function text(value: Plain | undefined): string {
  if (typeof value !== 'string') throw new Unfit();
  return value;
}
