import { type Attributes, Errno, FileType, type Reply, type Result, ROOT_NODE, type Share } from '@ashlar/hardware';
import { blankAttributes } from './attributes.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (from: Uint8Array): string => decoder.decode(from);
/** The number of a reply that must not be a wait. */
export function now(reply: Reply): Result {
  if (typeof reply !== 'number') throw new Error('the device made its caller wait');
  return reply;
}
/** A result as a test reads best: `ENOENT`, or the number. */
export function outcome(reply: Reply): number | string {
  const result = now(reply);
  if (result >= 0) return result;
  return Object.entries(Errno).find(([, value]) => value === -result)?.[0] ?? String(result);
}

/** Paths over a share, so that tests say what they mean. Keeps no state: every step is looked up. */
export class ShareClient {
  tag = 1;
  readonly out: Attributes = blankAttributes();

  constructor(readonly share: Share) {
    share.accept(share.offered());
  }

  /** The node at a path, referenced, or the negative result of the lookup that failed. */
  walk(path: string): Result {
    let node: number = ROOT_NODE;
    for (const name of names(path)) {
      const result = now(this.share.lookup(node, bytes(name), this.out));
      if (result < 0) return result;
      node = this.out.node;
    }
    return node;
  }

  attributes(path: string): Attributes {
    const node = this.walk(path);
    if (node < 0) throw new Error(`${path}: ${outcome(node)}`);
    this.share.getattr(node, this.out);
    return structuredClone(this.out);
  }

  private at(path: string, act: (parent: number, name: Uint8Array) => Reply): Result {
    const all = names(path);
    const name = bytes(all.pop() ?? '');
    const parent = this.walk(all.join('/'));
    return parent < 0 ? parent : now(act(parent, name));
  }

  mkdir(path: string, mode = 0o755): Result {
    return this.at(path, (parent, name) => this.share.mkdir(this.tag++, parent, name, mode, this.out));
  }
  create(path: string, mode: number = FileType.REGULAR | 0o644, rdev = 0): Result {
    return this.at(path, (parent, name) => this.share.create(this.tag++, parent, name, mode, rdev, this.out));
  }
  symlink(path: string, target: string): Result {
    return this.at(path, (parent, name) => this.share.symlink(this.tag++, parent, name, bytes(target), this.out));
  }
  unlink(path: string): Result {
    return this.at(path, (parent, name) => this.share.unlink(this.tag++, parent, name));
  }
  rmdir(path: string): Result {
    return this.at(path, (parent, name) => this.share.rmdir(this.tag++, parent, name));
  }
  link(from: string, to: string): Result {
    const node = this.walk(from);
    return node < 0 ? node : this.at(to, (parent, name) => this.share.link(this.tag++, node, parent, name, this.out));
  }
  rename(from: string, to: string, flags = 0): Result {
    return this.at(from, (a, name) => this.at(to, (b, newName) => this.share.rename(this.tag++, a, name, b, newName, flags)));
  }
  truncate(path: string, size: number): Result {
    const node = this.walk(path);
    return node < 0 ? node : now(this.share.setattr(this.tag++, node, { size }, this.out));
  }
  write(path: string, at: number, content: string | Uint8Array): Result {
    const node = this.walk(path);
    return node < 0 ? node : now(this.share.write(node, at, typeof content === 'string' ? bytes(content) : content));
  }
  /** A file with these contents, made or emptied first. */
  put(path: string, content: string): void {
    const made = this.create(path);
    if (made < 0 && made !== -Errno.EEXIST) throw new Error(`${path}: ${outcome(made)}`);
    this.truncate(path, 0);
    this.write(path, 0, content);
  }
  readBytes(path: string): Uint8Array | Result {
    const node = this.walk(path);
    if (node < 0) return node;
    this.share.getattr(node, this.out);
    const to = new Uint8Array(this.out.size);
    let done = 0;
    while (done < to.length) {
      const moved = now(this.share.read(node, done, to.subarray(done)));
      if (moved <= 0) return moved;
      done += moved;
    }
    return to;
  }
  read(path: string): string {
    const found = this.readBytes(path);
    return typeof found === 'number' ? String(outcome(found)) : text(found);
  }
  readlink(path: string): string {
    const node = this.walk(path);
    const to = new Uint8Array(4096);
    const length = node < 0 ? node : now(this.share.readlink(node, to));
    return length < 0 ? String(outcome(length)) : text(to.subarray(0, length));
  }
  /** Names in the order of listing, with a buffer of the given size. */
  list(path: string, bufferBytes = 4096): string[] {
    const node = this.walk(path);
    if (node < 0) return [String(outcome(node))];
    const found: string[] = [];
    let cookie = 0;
    for (;;) {
      const page = this.page(node, cookie, bufferBytes);
      if (page.length === 0) return found;
      for (const entry of page) found.push(entry.name);
      cookie = page.at(-1)!.cookie;
    }
  }
  page(node: number, cookie: number, bufferBytes: number): { node: number; cookie: number; type: number; name: string }[] {
    const buffer = new Uint8Array(bufferBytes);
    const filled = now(this.share.readdir(node, cookie, buffer));
    if (filled < 0) throw new Error(`readdir: ${outcome(filled)}`);
    const view = new DataView(buffer.buffer);
    const entries = [];
    for (let at = 0; at < filled; ) {
      const length = buffer[at + 9]!;
      const name = text(buffer.subarray(at + 10, at + 10 + length));
      entries.push({ node: view.getUint32(at, true), cookie: view.getUint32(at + 4, true), type: buffer[at + 8]!, name });
      at += 10 + length;
    }
    return entries;
  }
}

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}
