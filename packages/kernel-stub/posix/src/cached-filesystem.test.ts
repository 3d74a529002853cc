import type { Attributes, MemoryAccount, Reply } from '@ashlar/hardware';
import { BytesIo, type Filesystem, newAttributes, Tmpfs } from '@ashlar/unix';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CachedFilesystem } from './cached-filesystem.ts';

class Account implements MemoryAccount {
  readonly limitPages = 10_000;
  usedPages = 0;
  charge(pages: number): number {
    if (this.usedPages + pages > this.limitPages) return -12;
    this.usedPages += pages;
    return 0;
  }
  sub(): number {
    return -12;
  }
  close(): void {}
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A tmpfs that counts requests and the references it gave out. */
class Counted {
  requests = 0;
  held = 0;
  readonly filesystem: Filesystem;
  readonly #inner: Tmpfs;
  time = 1;

  constructor(account: MemoryAccount) {
    this.#inner = new Tmpfs({
      device: 1,
      account,
      pages: 5000,
      nodes: 1000,
      now: (out) => {
        out.sec = this.time++;
        out.nsec = 0;
      },
    });
    this.filesystem = new Proxy(this.#inner, {
      get: (target, key) => {
        const member = Reflect.get(target, key, target) as unknown;
        if (typeof member !== 'function') return member;
        return (...given: unknown[]): unknown => {
          this.requests++;
          const reply = (member as (...all: unknown[]) => Reply).apply(target, given);
          if (key === 'forget') this.held--;
          else if (reply === 0 && TAKING.has(String(key))) this.held++;
          return reply;
        };
      },
    });
  }
}

const TAKING = new Set(['lookup', 'create', 'mkdir', 'symlink', 'link']);

function make(limits = { nodes: 100, pages: 64 }) {
  const account = new Account();
  const below = new Counted(account);
  const base = account.usedPages;
  const cached = new CachedFilesystem(below.filesystem, account, limits);
  return { account, below, cached, cachedPages: () => account.usedPages - base };
}

function readAll(filesystem: Filesystem, node: number, at = 0, most = 100_000): Uint8Array | number {
  const to = new Uint8Array(most);
  const reply = filesystem.read(node, at, new BytesIo(to)) as number;
  return reply < 0 ? reply : to.slice(0, reply);
}

describe('CachedFilesystem', () => {
  it('asks once for what it knows, and again in the next generation', () => {
    const { below, cached } = make();
    const out = newAttributes();
    cached.create(1, 1, utf8('f'), 0o100644, 0, out);
    const { node } = out;
    cached.write(node, 0, new BytesIo(utf8('hello')));
    readAll(cached, node);
    const before = below.requests;
    for (let i = 0; i < 10; i++) {
      expect(cached.lookup(1, utf8('f'), out)).toBe(0);
      expect(readAll(cached, node)).toEqual(utf8('hello'));
      expect(cached.lookup(1, utf8('none'), out)).toBe(-2);
      cached.forget(node);
    }
    // The attributes of directory and file, and the missing name, once each.
    expect(below.requests - before).toBeLessThanOrEqual(3);
    below.filesystem.write(node, 0, new BytesIo(utf8('HELLO')));
    expect(readAll(cached, node)).toEqual(utf8('hello'));
    cached.age();
    expect(readAll(cached, node)).toEqual(utf8('HELLO'));
  });

  it('sees names that others made after a generation', () => {
    const { below, cached } = make();
    const out = newAttributes();
    expect(cached.lookup(1, utf8('x'), out)).toBe(-2);
    below.filesystem.create(0, 1, utf8('x'), 0o100600, 0, out);
    cached.age();
    expect(cached.lookup(1, utf8('x'), out)).toBe(0);
    expect(out.mode).toBe(0o100600);
  });

  it('gives back every page and every reference', () => {
    const { account, below, cached, cachedPages } = make({ nodes: 4, pages: 32 });
    const out = newAttributes();
    for (let i = 0; i < 20; i++) {
      cached.create(1, 1, utf8(`f${i}`), 0o100644, 0, out);
      cached.write(out.node, 0, new BytesIo(new Uint8Array(50_000).fill(i)));
      cached.forget(out.node);
    }
    const written = cachedPages();
    for (let i = 0; i < 20; i++) {
      cached.lookup(1, utf8(`f${i}`), out);
      const contents = readAll(cached, out.node) as Uint8Array;
      expect(contents.length).toBe(50_000);
      expect(contents.every((byte) => byte === i)).toBe(true);
      cached.forget(out.node);
      expect(cached.pages.pagesUsed).toBeLessThanOrEqual(32);
    }
    expect(below.held).toBeLessThanOrEqual(5);
    cached.clear();
    expect(below.held).toBe(0);
    expect(cached.pages.pagesUsed).toBe(0);
    expect(cachedPages()).toBe(written);
    expect(account.usedPages).toBeGreaterThan(0);
  });

  it('lets an unlinked file go with its last user', () => {
    const { below, cached } = make();
    const out = newAttributes();
    cached.create(1, 1, utf8('f'), 0o100644, 0, out);
    const { node } = out;
    cached.write(node, 0, new BytesIo(utf8('still')));
    expect(cached.unlink(2, 1, utf8('f'))).toBe(0);
    expect(readAll(cached, node)).toEqual(utf8('still'));
    cached.forget(node);
    expect(below.held).toBe(0);
    expect(below.filesystem.getattr(node, out)).toBe(-116);
  });

  it('shows nothing of what was in its memory before', () => {
    const out = newAttributes();
    for (const [bytes, fill] of [
      [4096, 7],
      [100, 1],
    ] as const) {
      const { cached } = make();
      cached.create(1, 1, utf8('f'), 0o100644, 0, out);
      cached.write(out.node, 0, new BytesIo(new Uint8Array(bytes).fill(fill)));
      expect(readAll(cached, out.node)).toEqual(new Uint8Array(bytes).fill(fill));
      cached.setattr(2, out.node, { size: 4000 }, out);
      const longer = new Uint8Array(4000);
      longer.fill(fill, 0, bytes);
      expect(readAll(cached, out.node)).toEqual(longer);
      cached.end();
    }
  });

  it('answers as the file system below, whatever happens in which order', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const directory = fc.constantFrom(0, 1);
    const action = fc.oneof(
      fc.record({ do: fc.constant('create' as const), directory, name }),
      fc.record({ do: fc.constant('mkdir' as const), directory, name }),
      fc.record({ do: fc.constant('unlink' as const), directory, name }),
      fc.record({ do: fc.constant('rmdir' as const), directory, name }),
      fc.record({ do: fc.constant('link' as const), directory, name, toDirectory: directory, to: name }),
      fc.record({ do: fc.constant('rename' as const), directory, name, toDirectory: directory, to: name, flags: fc.constantFrom(0, 1, 2) }),
      fc.record({ do: fc.constant('write' as const), directory, name, at: fc.nat(9000), bytes: fc.nat(9000), fill: fc.nat(255) }),
      fc.record({ do: fc.constant('truncate' as const), directory, name, size: fc.nat(20_000) }),
      fc.record({ do: fc.constant('read' as const), directory, name, at: fc.nat(20_000) }),
      fc.record({ do: fc.constant('age' as const) }),
      fc.record({ do: fc.constant('clear' as const) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        // From the second run on its pages are in memory that another cache left.
        const { cached, below, account } = make({ nodes: 3, pages: 8 });
        const plain = new Counted(new Account()).filesystem;
        const both: [Filesystem, number[]][] = [cached, plain].map((filesystem) => {
          const out = newAttributes();
          filesystem.mkdir(900, 1, utf8('dir'), 0o755, out);
          return [filesystem, [1, out.node]];
        });
        let tag = 1;
        for (const each of actions) {
          if (each.do === 'age') cached.age();
          else if (each.do === 'clear') cached.clear();
          else {
            const seen = both.map(([filesystem, directories]) => act(filesystem, directories, each, tag));
            expect(seen[0], JSON.stringify(each)).toEqual(seen[1]);
            tag++;
          }
        }
        const charged = account.usedPages;
        const used = cached.pages.pagesUsed;
        cached.end();
        expect(cached.pages.pagesUsed).toBe(0);
        expect(account.usedPages).toBe(charged - used);
        cached.clear();
        cached.forget(both[0]?.[1][1] as number);
        cached.clear();
        expect(below.held).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

type Action = { do: string; directory: number; name: string } & Partial<{
  toDirectory: number;
  to: string;
  flags: number;
  at: number;
  bytes: number;
  fill: number;
  size: number;
}>;

/** Does it, and says what a program could see of it. Node numbers differ between the two and are left out. */
function act(filesystem: Filesystem, directories: number[], action: Action, tag: number): unknown {
  const out = newAttributes();
  const parent = directories[action.directory] as number;
  const name = utf8(action.name);
  const view = (reply: Reply): unknown => (reply === 0 ? describeNode(out) : reply);
  const letGo = (reply: Reply): unknown => {
    const seen = view(reply);
    if (reply === 0) filesystem.forget(out.node);
    return seen;
  };
  switch (action.do) {
    case 'create':
      return letGo(filesystem.create(tag, parent, name, 0o100644, 0, out));
    case 'mkdir':
      return letGo(filesystem.mkdir(tag, parent, name, 0o755, out));
    case 'unlink':
      return filesystem.unlink(tag, parent, name);
    case 'rmdir':
      return filesystem.rmdir(tag, parent, name);
    case 'rename':
      return filesystem.rename(
        tag,
        parent,
        name,
        directories[action.toDirectory as number] as number,
        utf8(action.to as string),
        action.flags as number,
      );
  }
  const found = filesystem.lookup(parent, name, out);
  if (found !== 0) return found;
  const { node } = out;
  const seen = ((): unknown => {
    if (action.do === 'link') {
      const reply = filesystem.link(tag, node, directories[action.toDirectory as number] as number, utf8(action.to as string), out);
      return letGo(reply);
    }
    if (action.do === 'write') {
      const bytes = new Uint8Array(action.bytes as number).fill(action.fill as number);
      return [filesystem.write(node, action.at as number, new BytesIo(bytes)), filesystem.getattr(node, out), describeNode(out)];
    }
    if (action.do === 'truncate') return [view(filesystem.setattr(tag, node, { size: action.size as number }, out))];
    return [readAll(filesystem, node, action.at as number), describeNode(out)];
  })();
  filesystem.forget(node);
  return seen;
}

const describeNode = ({ mode, size, links }: Attributes): unknown => ({ mode, size: (mode & 0o170000) === 0o040000 ? 0 : size, links });
