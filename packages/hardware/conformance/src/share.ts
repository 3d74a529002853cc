import { clauseTests, type Mutant } from '@ashlar/conformance';
import { type Attributes, Errno, FileType, RenameFlag, type Reply, ROOT_NODE, type Share } from '@ashlar/hardware';
import { expect } from 'vitest';

/**
 * What the share suite is run on: a share over one read-only layer that holds
 * `lower` (a file: "lower layer\n"), `folder/inner` (a file: "inner\n") and `link` (a symbolic link to `../../outside`).
 * Supports: `writable`, `save` (then {@link ShareFixture.restored} works), `limit` (its writable layer holds less than 64 MiB).
 */
export interface ShareFixture {
  /** A further opener, after reset, with every feature accepted. */
  open(): Share;
  /** A further opener as it comes: before reset and accept. */
  openRaw(): Share;
  /** The same share, saved and restored in a fresh one; `opener` with it. */
  restored(opener: Share): ShareFixture & { readonly opener: Share };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const blank = (): Attributes => ({
  node: 0,
  mode: 0,
  size: 0,
  links: 0,
  uid: 0,
  gid: 0,
  rdev: 0,
  atime: { sec: 0, nsec: 0 },
  mtime: { sec: 0, nsec: 0 },
  ctime: { sec: 0, nsec: 0 },
});

let lastTag = 0;
const tag = (): number => ++lastTag;

/** A reply that must not be a wait. */
function now(reply: Reply): number {
  if (typeof reply !== 'number') throw new Error('the share answered a wait; this suite is for shares that answer at once');
  return reply;
}

function found(share: Share, name: string, parent: number = ROOT_NODE): Attributes {
  const out = blank();
  expect(now(share.lookup(parent, bytes(name), out)), `lookup ${name}`).toBe(0);
  return out;
}

function made(share: Share, name: string, text = '', parent: number = ROOT_NODE): Attributes {
  const out = blank();
  expect(now(share.create(tag(), parent, bytes(name), FileType.REGULAR | 0o644, 0, out)), `create ${name}`).toBe(0);
  if (text !== '') expect(now(share.write(out.node, 0, bytes(text)))).toBe(text.length);
  return out;
}

function madeFolder(share: Share, name: string, parent: number = ROOT_NODE): Attributes {
  const out = blank();
  expect(now(share.mkdir(tag(), parent, bytes(name), 0o755, out)), `mkdir ${name}`).toBe(0);
  return out;
}

function textOf(share: Share, node: number, at = 0): string {
  const buffer = new Uint8Array(256);
  const length = now(share.read(node, at, buffer));
  expect(length).toBeGreaterThanOrEqual(0);
  return new TextDecoder().decode(buffer.subarray(0, length));
}

/** Entries of a directory, read with a buffer for a few at a time; `between` runs after each part. */
function listing(share: Share, node: number, between: () => void = () => undefined): string[] {
  const names: string[] = [];
  const buffer = new Uint8Array(64);
  const view = new DataView(buffer.buffer);
  for (let cookie = 0; ; ) {
    const length = now(share.readdir(node, cookie, buffer));
    expect(length).toBeGreaterThanOrEqual(0);
    if (length === 0) return names;
    for (let at = 0; at < length; ) {
      const nameLength = buffer[at + 9] as number;
      cookie = view.getUint32(at + 4, true);
      names.push(new TextDecoder().decode(buffer.subarray(at + 10, at + 10 + nameLength)));
      at += 10 + nameLength;
    }
    between();
  }
}

/** The clauses of docs/spec/machine.md on `share`, and those on every device. */
export const shareTests = clauseTests<ShareFixture>(
  {
    clause: 'DEV-1',
    title: 'before accept every request answers -EIO; what was not offered is refused',
    run({ openRaw }) {
      const share = openRaw();
      expect(now(share.lookup(ROOT_NODE, bytes('lower'), blank()))).toBe(-Errno.EIO);
      expect(now(share.reset())).toBe(0);
      expect(share.accept(['no such feature'])).toBe(-Errno.EINVAL);
      expect(now(share.getattr(ROOT_NODE, blank()))).toBe(-Errno.EIO);
      expect(share.accept(share.offered())).toBe(0);
      expect(now(share.lookup(ROOT_NODE, bytes('lower'), blank()))).toBe(0);
    },
  },
  {
    clause: 'DEV-2',
    title: "a reset takes nothing from another opener's",
    run({ open }) {
      const one = open();
      const other = open();
      const file = found(other, 'lower');
      expect(now(one.reset())).toBe(0);
      expect(textOf(other, file.node)).toBe('lower layer\n');
      expect(now(one.getattr(ROOT_NODE, blank()))).toBe(-Errno.EIO);
    },
  },
  {
    clause: 'DEV-2',
    title: 'what one opener writes, the other reads',
    requires: ['writable'],
    run({ open }) {
      const file = made(open(), 'shared', 'seen by all');
      expect(file.node).toBeGreaterThan(0);
      const other = open();
      expect(textOf(other, found(other, 'shared').node)).toBe('seen by all');
    },
  },
  {
    clause: 'DEV-3',
    title: 'asked again with its tag, a request answers the same and is not done twice',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      const folder = madeFolder(share, 'tags').node;
      const create = tag();
      const first = blank();
      const again = blank();
      expect(now(share.create(create, folder, bytes('once'), FileType.REGULAR | 0o600, 0, first))).toBe(0);
      expect(now(share.create(create, folder, bytes('once'), FileType.REGULAR | 0o600, 0, again))).toBe(0);
      expect(again.node).toBe(first.node);
      const unlink = tag();
      expect(now(share.unlink(unlink, folder, bytes('once')))).toBe(0);
      expect(now(share.unlink(unlink, folder, bytes('once')))).toBe(0);
      expect(now(share.unlink(tag(), folder, bytes('once')))).toBe(-Errno.ENOENT);
    },
  },
  {
    clause: 'DEV-4',
    title: 'restored, it answers as the original would: files, references and tags',
    requires: ['writable', 'save'],
    run({ open, restored }) {
      const share = open();
      const gone = made(share, 'gone', 'still open');
      const unlink = tag();
      expect(now(share.unlink(unlink, ROOT_NODE, bytes('gone')))).toBe(0);
      made(share, 'kept', 'kept text');
      const { opener } = restored(share);
      expect(textOf(opener, gone.node)).toBe('still open');
      expect(now(opener.unlink(unlink, ROOT_NODE, bytes('gone')))).toBe(0);
      expect(textOf(opener, found(opener, 'kept').node)).toBe('kept text');
      expect(listing(opener, ROOT_NODE).sort()).toEqual(['folder', 'kept', 'link', 'lower']);
    },
  },
  {
    clause: 'SH-1',
    title: 'names that are not there, not names, or below a file',
    run({ open }) {
      const share = open();
      const ask = (parent: number, name: string): number => now(share.lookup(parent, bytes(name), blank()));
      expect(ask(ROOT_NODE, 'absent')).toBe(-Errno.ENOENT);
      expect(ask(found(share, 'lower').node, 'x')).toBe(-Errno.ENOTDIR);
      for (const name of ['.', '..', '', 'folder/inner']) expect(ask(ROOT_NODE, name), `'${name}'`).toBe(-Errno.EINVAL);
      expect(ask(ROOT_NODE, 'n'.repeat(256))).toBe(-Errno.ENAMETOOLONG);
    },
  },
  {
    clause: 'SH-2',
    title: 'positions, ends and holes',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      const { node } = made(share, 'positions', 'abc');
      expect(now(share.write(node, 6, bytes('xyz')))).toBe(3);
      expect(textOf(share, node)).toBe('abc\0\0\0xyz');
      expect(now(share.write(node, 1, bytes('B')))).toBe(1);
      expect(textOf(share, node, 1)).toBe('Bc\0\0\0xyz');
      expect(now(share.read(node, 9, new Uint8Array(4)))).toBe(0);
      expect(now(share.read(node, 1e12, new Uint8Array(4)))).toBe(0);
    },
  },
  {
    clause: 'SH-3',
    title: 'a name that is there is not made again',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      const file = made(share, 'there', 'first');
      const out = blank();
      expect(now(share.create(tag(), ROOT_NODE, bytes('there'), FileType.REGULAR | 0o600, 0, out))).toBe(-Errno.EEXIST);
      expect(now(share.mkdir(tag(), ROOT_NODE, bytes('there'), 0o700, out))).toBe(-Errno.EEXIST);
      expect(now(share.symlink(tag(), ROOT_NODE, bytes('there'), bytes('x'), out))).toBe(-Errno.EEXIST);
      expect(now(share.link(tag(), file.node, ROOT_NODE, bytes('lower'), out))).toBe(-Errno.EEXIST);
      expect(textOf(share, found(share, 'there').node)).toBe('first');
    },
  },
  {
    clause: 'SH-4',
    title: 'unlink is for files, rmdir for empty directories',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      expect([-Errno.EISDIR, -Errno.EPERM]).toContain(now(share.unlink(tag(), ROOT_NODE, bytes('folder'))));
      expect(now(share.rmdir(tag(), ROOT_NODE, bytes('lower')))).toBe(-Errno.ENOTDIR);
      expect(now(share.rmdir(tag(), ROOT_NODE, bytes('folder')))).toBe(-Errno.ENOTEMPTY);
      expect(now(share.unlink(tag(), found(share, 'folder').node, bytes('inner')))).toBe(0);
      expect(now(share.rmdir(tag(), ROOT_NODE, bytes('folder')))).toBe(0);
      expect(now(share.lookup(ROOT_NODE, bytes('folder'), blank()))).toBe(-Errno.ENOENT);
    },
  },
  {
    clause: 'SH-5',
    title: 'a file without names lives until it is forgotten',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      const { node } = made(share, 'nameless', 'before');
      expect(now(share.unlink(tag(), ROOT_NODE, bytes('nameless')))).toBe(0);
      expect(now(share.write(node, 6, bytes(' and after')))).toBe(10);
      expect(textOf(share, node)).toBe('before and after');
      share.forget(node, 1);
      expect(now(share.getattr(node, blank()))).toBe(-Errno.ESTALE);
    },
  },
  {
    clause: 'SH-6',
    title: 'rename replaces, exchanges, and never puts a directory into itself',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      made(share, 'a', 'A');
      made(share, 'b', 'B');
      expect(now(share.rename(tag(), ROOT_NODE, bytes('a'), ROOT_NODE, bytes('b'), RenameFlag.NOREPLACE))).toBe(-Errno.EEXIST);
      expect(now(share.rename(tag(), ROOT_NODE, bytes('a'), ROOT_NODE, bytes('b'), 0))).toBe(0);
      expect(textOf(share, found(share, 'b').node)).toBe('A');
      expect(now(share.lookup(ROOT_NODE, bytes('a'), blank()))).toBe(-Errno.ENOENT);
      const outer = madeFolder(share, 'outer');
      const inner = madeFolder(share, 'inner', outer.node);
      expect(now(share.rename(tag(), ROOT_NODE, bytes('outer'), inner.node, bytes('x'), 0))).toBe(-Errno.EINVAL);
      expect(now(share.rename(tag(), ROOT_NODE, bytes('lower'), outer.node, bytes('moved'), 0))).toBe(0);
      expect(textOf(share, found(share, 'moved', outer.node).node)).toBe('lower layer\n');
    },
  },
  {
    clause: 'SH-7',
    title: 'a listing in parts has each entry that stays once, while others come and go',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      const folder = madeFolder(share, 'list').node;
      const staying = Array.from({ length: 20 }, (_, index) => `stays-${index}`);
      for (const name of staying) made(share, name, '', folder);
      for (const name of ['goes-1', 'goes-2']) made(share, name, '', folder);
      let turn = 0;
      const names = listing(share, folder, () => {
        turn++;
        if (turn === 2) expect(now(share.unlink(tag(), folder, bytes('goes-1')))).toBe(0);
        if (turn < 5) made(share, `comes-${turn}`, '', folder);
      });
      expect(names.filter((name) => name.startsWith('stays-')).sort()).toEqual([...staying].sort());
      expect(new Set(names).size).toBe(names.length);
    },
  },
  {
    clause: 'SH-8',
    title: 'writing to a file of a layer is seen, and makes a copy above it',
    requires: ['writable', 'fresh layers'],
    run(fixture) {
      const share = fixture.open();
      const { node } = found(share, 'lower');
      expect(now(share.write(node, 0, bytes('UPPER')))).toBe(5);
      expect(textOf(share, node)).toBe('UPPER layer\n');
      const again = (fixture as ShareFixture & { fresh(): Share }).fresh();
      expect(textOf(again, found(again, 'lower').node)).toBe('lower layer\n');
    },
  },
  {
    clause: 'SH-8',
    title: 'where nothing may be written, writing answers -EROFS',
    requires: ['read-only'],
    run({ open }) {
      const share = open();
      const { node } = found(share, 'lower');
      expect(now(share.write(node, 0, bytes('UPPER')))).toBe(-Errno.EROFS);
      expect(now(share.unlink(tag(), ROOT_NODE, bytes('lower')))).toBe(-Errno.EROFS);
      expect(now(share.mkdir(tag(), ROOT_NODE, bytes('new'), 0o755, blank()))).toBe(-Errno.EROFS);
      expect(textOf(share, node)).toBe('lower layer\n');
    },
  },
  {
    clause: 'SH-9',
    title: "a symbolic link is its target's bytes, and is not followed",
    run({ open }) {
      const share = open();
      const link = found(share, 'link');
      expect(link.mode & FileType.MASK).toBe(FileType.SYMLINK);
      const target = new Uint8Array(64);
      const length = now(share.readlink(link.node, target));
      expect(new TextDecoder().decode(target.subarray(0, length))).toBe('../../outside');
      expect(now(share.lookup(link.node, bytes('x'), blank()))).toBe(-Errno.ENOTDIR);
    },
  },
  {
    clause: 'SH-10',
    title: 'types, sizes and link counts',
    requires: ['writable'],
    run({ open }) {
      const share = open();
      const lower = found(share, 'lower');
      expect([lower.mode & FileType.MASK, lower.size]).toEqual([FileType.REGULAR, 12]);
      expect(found(share, 'link').size).toBe('../../outside'.length);
      const file = made(share, 'counted', 'x');
      const out = blank();
      expect(now(share.link(tag(), file.node, ROOT_NODE, bytes('second'), out))).toBe(0);
      expect([out.node, out.links, out.size]).toEqual([file.node, 2, 1]);
      expect(now(share.unlink(tag(), ROOT_NODE, bytes('counted')))).toBe(0);
      expect(found(share, 'second').links).toBe(1);
      const folder = madeFolder(share, 'parent');
      madeFolder(share, 'child', folder.node);
      expect(now(share.getattr(folder.node, out))).toBe(0);
      expect([out.mode & FileType.MASK, out.links]).toEqual([FileType.DIRECTORY, 3]);
    },
  },
  {
    clause: 'SH-12',
    title: 'what one opener makes, changes, renames and removes is what the other finds next',
    requires: ['writable'],
    run({ open }) {
      const [one, other] = [open(), open()];
      made(one, 'file', 'first');
      const { node } = found(other, 'file');
      expect(textOf(other, node)).toBe('first');
      expect(now(other.write(node, 5, bytes(' and second')))).toBe(11);
      expect(textOf(one, found(one, 'file').node)).toBe('first and second');
      expect(now(one.rename(tag(), ROOT_NODE, bytes('file'), ROOT_NODE, bytes('moved'), 0))).toBe(0);
      expect(now(other.lookup(ROOT_NODE, bytes('file'), blank()))).toBe(-Errno.ENOENT);
      expect(found(other, 'moved').node).toBe(node);
      expect(now(one.create(tag(), ROOT_NODE, bytes('lock'), FileType.REGULAR | 0o600, 0, blank()))).toBe(0);
      expect(now(other.create(tag(), ROOT_NODE, bytes('lock'), FileType.REGULAR | 0o600, 0, blank()))).toBe(-Errno.EEXIST);
      expect(now(one.unlink(tag(), ROOT_NODE, bytes('moved')))).toBe(0);
      one.reset();
      expect(textOf(other, node)).toBe('first and second');
    },
  },
  {
    clause: 'SH-11',
    title: 'a full layer answers -ENOSPC and keeps what it has',
    requires: ['writable', 'limit'],
    run({ open }) {
      const share = open();
      const kept = made(share, 'kept', 'kept');
      const { node } = made(share, 'big');
      const block = new Uint8Array(1 << 20).fill(1);
      let written = 0;
      let reply = 0;
      for (let at = 0; at < 80; at++) {
        reply = now(share.write(node, at << 20, block));
        if (reply < 0) break;
        written += reply;
      }
      expect(reply).toBe(-Errno.ENOSPC);
      const out = blank();
      expect(now(share.getattr(node, out))).toBe(0);
      expect(out.size).toBe(written);
      expect(textOf(share, kept.node)).toBe('kept');
    },
  },
);

/** A share that does all that the real one does but what `changes` replace. */
function withChanges(fixture: ShareFixture, changes: (share: Share) => Partial<Share>): ShareFixture {
  const wrap = (share: Share): Share => {
    const replaced = changes(share);
    return new Proxy(share, {
      get: (target, key) => {
        const value: unknown = key in replaced ? replaced[key as keyof Share] : Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return { ...fixture, open: () => wrap(fixture.open()), openRaw: () => wrap(fixture.openRaw()) };
}

/** Broken shares, each on one clause. */
export const shareMutants: readonly Mutant<ShareFixture>[] = [
  {
    name: 'forgets answers, so a repeated request is executed twice',
    clause: 'DEV-3',
    // A restored share must still know the answers.
    also: ['DEV-4'],
    mutate: (fixture) => withChanges(fixture, (share) => ({ unlink: (_, parent, name) => share.unlink(tag(), parent, name) })),
  },
  {
    name: 'reads before it was accepted',
    clause: 'DEV-1',
    also: ['DEV-2'],
    mutate: (fixture) =>
      withChanges(fixture, (share) => ({
        lookup: (parent, name, out) => {
          const reply = share.lookup(parent, name, out);
          return reply === -Errno.EIO ? -Errno.ENOENT : reply;
        },
        getattr: (node, out) => {
          const reply = share.getattr(node, out);
          return reply === -Errno.EIO ? 0 : reply;
        },
      })),
  },
  {
    name: 'says 1 at the end of a file',
    clause: 'SH-2',
    mutate: (fixture) =>
      withChanges(fixture, (share) => ({
        read: (node, at, to) => {
          const reply = share.read(node, at, to);
          return reply === 0 && at > 1e6 ? 1 : reply;
        },
      })),
  },
  {
    name: 'lists an entry twice',
    clause: 'SH-7',
    mutate: (fixture) =>
      withChanges(fixture, (share) => ({
        readdir: (node, cookie, to) => share.readdir(node, cookie > 3 && cookie % 7 === 0 ? cookie - 1 : cookie, to),
      })),
  },
  {
    name: 'lets a symbolic link name a child',
    clause: 'SH-9',
    mutate: (fixture) => withChanges(fixture, (share) => ({ readlink: (node, to) => Math.min(1, Number(share.readlink(node, to))) })),
  },
  {
    name: 'removes directories that are not empty',
    clause: 'SH-4',
    mutate: (fixture) =>
      withChanges(fixture, (share) => ({
        rmdir: (each, parent, name) => {
          const reply = share.rmdir(each, parent, name);
          return reply === -Errno.ENOTEMPTY ? 0 : reply;
        },
      })),
  },
];
