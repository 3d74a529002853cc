import { type Attributes, Errno, FileType, ROOT_NODE, type Tree } from '@ashlar/hardware';
import { blankAttributes } from './folder-tree.ts';

export const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** A result as a test reads best. */
export function outcome(result: number): number | string {
  if (result >= 0) return result;
  return Object.entries(Errno).find(([, value]) => value === -result)?.[0] ?? String(result);
}

/** The node at a path, or the name of the error. */
export function nodeAt(tree: Tree, path: string): number {
  let node: number = ROOT_NODE;
  for (const name of path.split('/').filter((part) => part !== '')) {
    node = tree.lookup(node, bytes(name));
    if (node < 0) return node;
  }
  return node;
}

export function attributesAt(tree: Tree, path: string): Attributes {
  const out = blankAttributes();
  const node = nodeAt(tree, path);
  const result = node < 0 ? node : tree.getattr(node, out);
  if (result < 0) throw new Error(`${path}: ${outcome(result)}`);
  return out;
}

export function readAt(tree: Tree, path: string): string {
  const node = nodeAt(tree, path);
  if (node < 0) return String(outcome(node));
  const to = Buffer.alloc(attributesAt(tree, path).size + 10);
  let done = 0;
  for (;;) {
    const moved = tree.read(node, done, to.subarray(done));
    if (moved < 0) return String(outcome(moved));
    if (moved === 0) return to.subarray(0, done).toString('latin1');
    done += moved;
  }
}

/** The whole tree as lines: path, type, and what it holds. */
export function describeTree(tree: Tree): string[] {
  const lines: string[] = [];
  const visit = (node: number, at: string): void => {
    tree.readdir(node, (name, child, type) => {
      const path = `${at}/${Buffer.from(name).toString('latin1')}`;
      const kind = (type << 12) & FileType.MASK;
      if (kind === FileType.DIRECTORY) {
        lines.push(`${path}/`);
        visit(child, path);
      } else if (kind === FileType.SYMLINK) lines.push(`${path} -> ${Buffer.from(tree.readlink(child) as Uint8Array).toString('latin1')}`);
      else if (kind === FileType.REGULAR) {
        const to = Buffer.alloc(64);
        const moved = tree.read(child, 0, to);
        lines.push(`${path} = ${to.subarray(0, Math.max(0, moved)).toString('latin1')}`);
      } else lines.push(`${path} type ${kind.toString(8)}`);
      return true;
    });
  };
  visit(ROOT_NODE, '');
  return lines;
}
