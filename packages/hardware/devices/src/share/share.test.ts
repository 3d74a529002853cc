import { Errno, FileType, RenameFlag, ROOT_NODE, TAG_WINDOW, type Tree } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { FakeEvents, MemoryPart, tickingClock } from '../fakes.test.support.ts';
import { blankAttributes } from './attributes.ts';
import { ShareDriver } from './driver.ts';
import { MemoryTree, SymbolicLink } from './memory-tree.ts';
import { bytes, now, outcome, ShareClient, text } from './share-client.test.support.ts';

const BASE = {
  bin: { sh: '#!shell', busybox: 'box' },
  etc: { passwd: 'root', 'os-release': new SymbolicLink('../usr/lib/os-release') },
  empty: {},
};
const TOP = { bin: { sh: 'newer', tool: 'tool' }, opt: { x: 'x' } };

function driverOf(
  layers: readonly Tree[] = [new MemoryTree(BASE, 'base'), new MemoryTree(TOP, 'top')],
  writableBytes = 1 << 24,
): ShareDriver {
  return new ShareDriver({ layers, writableBytes, events: new FakeEvents(), now: tickingClock() });
}
const clientOf = (driver = driverOf()): ShareClient => new ShareClient(driver.open());

describe('layers', () => {
  it('shows the uppermost of each name and merges directories', () => {
    const client = clientOf();
    expect(client.list('/').sort()).toEqual(['bin', 'empty', 'etc', 'opt']);
    expect(client.list('/bin').sort()).toEqual(['busybox', 'sh', 'tool']);
    expect(client.read('/bin/sh')).toBe('newer');
    expect(client.read('/bin/busybox')).toBe('box');
    expect(client.readlink('/etc/os-release')).toBe('../usr/lib/os-release');
  });

  it('gives a node the same number each time, also after it was forgotten and after a change', () => {
    const client = clientOf();
    const first = client.walk('/etc/passwd');
    client.share.forget(first, 1000);
    expect(client.walk('/etc/passwd')).toBe(first);
    client.write('/etc/passwd', 0, 'R');
    client.rename('/etc/passwd', '/opt/moved');
    expect(client.walk('/opt/moved')).toBe(first);
    expect(client.page(client.walk('/opt'), 0, 4096).find(({ name }) => name === 'moved')?.node).toBe(first);
  });

  it('changes one place of a file without losing the rest', () => {
    const big = 'a'.repeat(50_000);
    const client = clientOf(driverOf([new MemoryTree({ big })]));
    expect(client.write('/big', 20_000, 'HERE')).toBe(4);
    expect(client.read('/big')).toBe(`${'a'.repeat(20_000)}HERE${'a'.repeat(50_000 - 20_004)}`);
    client.truncate('/big', 10);
    client.truncate('/big', 12);
    expect(client.read('/big')).toBe('aaaaaaaaaa\0\0');
  });

  it('reads as zero what a file lost by becoming shorter and got back by growing', () => {
    const client = clientOf();
    client.put('/f', 'x'.repeat(20_000));
    client.truncate('/f', 3);
    client.truncate('/f', 6);
    expect(client.read('/f')).toBe('xxx\0\0\0');
    client.truncate('/f', 0);
    client.write('/f', 4, 'y');
    expect(client.read('/f')).toBe('\0\0\0\0y');
  });

  it('hides what was removed, and a new directory of that name does not show it again', () => {
    const client = clientOf();
    client.unlink('/bin/sh');
    client.unlink('/bin/tool');
    client.unlink('/bin/busybox');
    expect(client.rmdir('/bin')).toBe(0);
    expect(outcome(client.walk('/bin'))).toBe('ENOENT');
    client.mkdir('/bin');
    expect(client.list('/bin')).toEqual([]);
  });

  it('moves a directory of a layer with all that is in it', () => {
    const client = clientOf();
    expect(client.rename('/etc', '/opt/etc')).toBe(0);
    expect(client.read('/opt/etc/passwd')).toBe('root');
    expect(outcome(client.walk('/etc'))).toBe('ENOENT');
    expect(outcome(client.rename('/opt', '/opt/etc/in'))).toBe('EINVAL');
  });

  it('never changes a layer', () => {
    const base = new MemoryTree(BASE, 'base');
    const a = clientOf(driverOf([base]));
    const b = clientOf(driverOf([base]));
    a.write('/etc/passwd', 0, 'XXXX');
    a.unlink('/bin/sh');
    expect(b.read('/etc/passwd')).toBe('root');
    expect(b.read('/bin/sh')).toBe('#!shell');
  });
});

describe('POSIX meaning', () => {
  it('keeps an unlinked file alive until it is forgotten', () => {
    const driver = driverOf();
    const client = clientOf(driver);
    client.put('/f', 'content');
    const used = driver.tree.budget.used;
    const node = client.walk('/f');
    client.unlink('/f');
    const to = new Uint8Array(7);
    expect(now(client.share.read(node, 0, to))).toBe(7);
    expect(text(to)).toBe('content');
    client.share.getattr(node, client.out);
    expect(client.out.links).toBe(0);
    client.share.forget(node, 1000);
    expect(outcome(client.share.read(node, 0, to))).toBe('ESTALE');
    expect(driver.tree.budget.used).toBeLessThan(used);
  });

  it('counts links of files and directories', () => {
    const client = clientOf();
    client.put('/a', 'x');
    expect(client.link('/a', '/b')).toBe(0);
    expect(client.attributes('/a').links).toBe(2);
    client.write('/b', 0, 'y');
    expect(client.read('/a')).toBe('y');
    const before = client.attributes('/opt').links;
    client.mkdir('/opt/d');
    expect(client.attributes('/opt').links).toBe(before + 1);
    client.rename('/opt/d', '/etc/d');
    expect(client.attributes('/opt').links).toBe(before);
    expect(client.attributes('/').links).toBe(6);
  });

  it('renames over what is there as rename(2) does', () => {
    const client = clientOf();
    client.put('/a', 'a');
    client.put('/b', 'b');
    expect(outcome(client.rename('/a', '/b', RenameFlag.NOREPLACE))).toBe('EEXIST');
    expect(client.rename('/a', '/b')).toBe(0);
    expect(client.read('/b')).toBe('a');
    expect(outcome(client.walk('/a'))).toBe('ENOENT');
    expect(outcome(client.rename('/b', '/etc'))).toBe('EISDIR');
    expect(outcome(client.rename('/etc', '/b'))).toBe('ENOTDIR');
    expect(outcome(client.rename('/opt', '/etc'))).toBe('ENOTEMPTY');
    const links = client.attributes('/').links;
    expect(client.rename('/opt', '/empty')).toBe(0);
    expect(client.read('/empty/x')).toBe('x');
    expect(client.attributes('/').links).toBe(links - 1);
    expect(client.rename('/b', '/etc', RenameFlag.EXCHANGE)).toBe(0);
    expect(client.read('/etc')).toBe('a');
    expect(client.read('/b/passwd')).toBe('root');
  });

  it.each([
    ['a name that is there', (c: ShareClient) => c.create('/etc/passwd'), 'EEXIST'],
    ['a directory over a file', (c: ShareClient) => c.mkdir('/etc/passwd/x'), 'ENOTDIR'],
    ['removing a directory by unlink', (c: ShareClient) => c.unlink('/etc'), 'EISDIR'],
    ['removing a file by rmdir', (c: ShareClient) => c.rmdir('/etc/passwd'), 'ENOTDIR'],
    ['removing a full directory', (c: ShareClient) => c.rmdir('/etc'), 'ENOTEMPTY'],
    ['linking a directory', (c: ShareClient) => c.link('/etc', '/x'), 'EPERM'],
    ['writing a directory', (c: ShareClient) => c.write('/etc', 0, 'x'), 'EISDIR'],
    ['a name of 256 bytes', (c: ShareClient) => c.create(`/${'n'.repeat(256)}`), 'ENAMETOOLONG'],
    ['“..” as a name', (c: ShareClient) => c.mkdir('/..'), 'EINVAL'],
    ['“.” as a name', (c: ShareClient) => c.walk('/.'), 'EINVAL'],
    ['looking below a link', (c: ShareClient) => c.walk('/etc/os-release/x'), 'ENOTDIR'],
  ])('refuses %s', (_what, act, errno) => {
    expect(outcome(act(clientOf()))).toBe(errno);
  });

  it('keeps device nodes, fifos and sockets as data', () => {
    const client = clientOf();
    expect(client.create('/null', FileType.CHARACTER | 0o666, 0x0103)).toBe(0);
    expect(client.create('/pipe', FileType.FIFO | 0o600, 7)).toBe(0);
    expect(client.attributes('/null')).toMatchObject({ mode: FileType.CHARACTER | 0o666, rdev: 0x0103 });
    expect(client.attributes('/pipe')).toMatchObject({ mode: FileType.FIFO | 0o600, rdev: 0 });
    expect(outcome(client.write('/pipe', 0, 'x'))).toBe('EINVAL');
  });

  it('changes attributes, and ctime with each change', () => {
    const client = clientOf();
    const before = client.attributes('/etc/passwd');
    const node = before.node;
    client.share.setattr(1000, node, { mode: 0o4711, uid: 5, gid: 6, mtime: { sec: 7, nsec: 8 } }, client.out);
    const after = client.attributes('/etc/passwd');
    expect(after).toMatchObject({ mode: FileType.REGULAR | 0o4711, uid: 5, gid: 6, mtime: { sec: 7, nsec: 8 }, size: 4 });
    expect(after.ctime.sec).toBe(1000);
    client.write('/etc/passwd', 0, 'r');
    expect(client.attributes('/etc/passwd').mtime.sec).toBe(1000);
  });
});

describe('listing', () => {
  it('lists each entry that stays exactly once while the directory changes', () => {
    const client = clientOf();
    for (let i = 0; i < 40; i++) client.put(`/opt/n${i}`, '');
    const node = client.walk('/opt');
    const seen: string[] = [];
    let cookie = 0;
    for (let round = 0; ; round++) {
      const page = client.page(node, cookie, 64);
      if (page.length === 0) break;
      for (const entry of page) seen.push(entry.name);
      cookie = page.at(-1)!.cookie;
      // Removed before and after the position, and made behind it.
      client.unlink(`/opt/n${round}`);
      client.unlink(`/opt/n${39 - round}`);
      if (round < 5) client.put(`/opt/later${round}`, '');
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain('x');
    for (const name of client.list('/opt')) expect(seen).toContain(name);
  });

  it('refuses a buffer in which no record fits', () => {
    const client = clientOf();
    expect(outcome(client.share.readdir(ROOT_NODE, 0, new Uint8Array(11)))).toBe('EINVAL');
  });
});

describe('limits', () => {
  it('answers ENOSPC when the writable layer is full, and goes on after something was removed', () => {
    const driver = driverOf([], 200_000);
    const client = clientOf(driver);
    client.put('/a', '');
    const chunk = new Uint8Array(16_384).fill(1);
    let at = 0;
    for (;;) {
      const moved = client.write('/a', at, chunk);
      if (moved < chunk.length) break;
      at += moved;
    }
    expect(at).toBeGreaterThan(100_000);
    expect(outcome(client.write('/a', at, chunk))).toBe('ENOSPC');
    expect(driver.tree.budget.used).toBeLessThanOrEqual(200_000);
    client.truncate('/a', 0);
    expect(client.write('/a', 0, chunk)).toBe(chunk.length);
  });

  it('charges names, so that empty files cannot fill memory', () => {
    const client = clientOf(driverOf([], 50_000));
    let made = 0;
    while (client.create(`/file${made}`) === 0) made++;
    expect(made).toBeGreaterThan(20);
    expect(outcome(client.create('/one-more'))).toBe('ENOSPC');
    expect(client.list('/')).toHaveLength(made);
  });

  it('lets a chain of directories go however deep it is', () => {
    const driver = driverOf([]);
    const { share, out } = clientOf(driver);
    const chain: number[] = [ROOT_NODE];
    for (let i = 0; i < 20_000; i++) {
      share.mkdir(0, chain.at(-1)!, bytes('d'), 0o755, out);
      chain.push(out.node);
    }
    // Each is removed while only the deepest is still held.
    for (let i = chain.length - 2; i >= 0; i--) share.rmdir(0, chain[i]!, bytes('d'));
    for (const node of chain.slice(1, -1)) share.forget(node, 1);
    share.forget(chain.at(-1)!, 1);
    expect(driver.tree.nodes.size).toBe(1);
  });

  it('reports what is left', () => {
    const client = clientOf(driverOf([], 1 << 20));
    const out = { blockBytes: 0, blocks: 0, blocksFree: 0, nodes: 0, nodesFree: 0 };
    client.share.statfs(out);
    expect(out).toMatchObject({ blockBytes: 4096, blocks: 256 });
    const free = out.blocksFree;
    client.put('/f', 'x'.repeat(40_000));
    client.share.statfs(out);
    expect(out.blocksFree).toBeLessThan(free - 8);
  });
});

describe('openers', () => {
  it('show the same tree to two consumers, and a reset takes nothing from the other', () => {
    const driver = driverOf();
    const a = clientOf(driver);
    const b = clientOf(driver);
    a.put('/shared', 'one');
    expect(b.read('/shared')).toBe('one');
    const node = b.walk('/shared');
    a.unlink('/shared');
    a.share.reset();
    expect(outcome(a.share.getattr(ROOT_NODE, a.out))).toBe('EIO');
    const to = new Uint8Array(3);
    expect(now(b.share.read(node, 0, to))).toBe(3);
    expect(text(to)).toBe('one');
    a.share.accept([]);
    expect(outcome(a.share.read(node, 0, to))).toBe('ESTALE');
  });

  it('follow the life cycle: nothing before accept, accept once, only what is offered', () => {
    const share = driverOf().open();
    const out = blankAttributes();
    expect(outcome(share.getattr(ROOT_NODE, out))).toBe('EIO');
    expect(outcome(share.accept(['no-such-feature']))).toBe('EINVAL');
    expect(share.accept([])).toBe(0);
    expect(outcome(share.accept([]))).toBe('EINVAL');
    expect(share.getattr(ROOT_NODE, out)).toBe(0);
  });
});

describe('tags', () => {
  it('answer a repeated request without executing it again', () => {
    const { share } = clientOf();
    const first = blankAttributes();
    expect(share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, first)).toBe(0);
    const again = blankAttributes();
    expect(share.mkdir(7, ROOT_NODE, bytes('d'), 0o700, again)).toBe(0);
    expect(again).toEqual(first);
    expect(outcome(share.mkdir(8, ROOT_NODE, bytes('d'), 0o700, again))).toBe('EEXIST');
    expect(share.rmdir(9, ROOT_NODE, bytes('d'))).toBe(0);
    expect(share.rmdir(9, ROOT_NODE, bytes('d'))).toBe(0);
    expect(outcome(share.mkdir(8, ROOT_NODE, bytes('d'), 0o700, again))).toBe('EEXIST');
  });

  it('keep the answers of the last TAG_WINDOW requests, and a collected tag may be used again', () => {
    const { share } = clientOf();
    const out = blankAttributes();
    for (let tag = 1; tag <= TAG_WINDOW; tag++) share.mkdir(tag, ROOT_NODE, bytes(`d${tag}`), 0o700, out);
    expect(share.mkdir(1, ROOT_NODE, bytes('d1'), 0o700, out)).toBe(0);
    expect(share.mkdir(TAG_WINDOW + 1, ROOT_NODE, bytes('one more'), 0o700, out)).toBe(0);
    expect(outcome(share.mkdir(1, ROOT_NODE, bytes('d1'), 0o700, out))).toBe('EEXIST');
    expect(share.rmdir(2, ROOT_NODE, bytes('d3'))).toBe(0);
  });

  it('are refused out of range', () => {
    const { share } = clientOf();
    for (const tag of [-1, 1.5, 2 ** 31]) expect(outcome(share.unlink(tag, ROOT_NODE, bytes('x')))).toBe('EINVAL');
  });
});

describe('state', () => {
  it('is the same tree after a save and restore in another driver, held and nameless nodes and tags included', () => {
    const before = clientOf();
    before.put('/f', 'x'.repeat(30_000));
    before.write('/etc/passwd', 2, 'AB');
    before.unlink('/bin/sh');
    before.rename('/opt', '/empty');
    before.put('/gone', 'nameless');
    const nameless = before.walk('/gone');
    before.unlink('/gone');
    const held = before.walk('/bin/busybox');
    before.share.mkdir(77, ROOT_NODE, bytes('tagged'), 0o700, before.out);
    const part = new MemoryPart();
    expect(before.share.save(part)).toBe(0);

    const share = driverOf().open();
    expect(share.restore(part.read())).toBe(0);
    const after = Object.assign(new ShareClient(share), { tag: 5000 });
    const to = new Uint8Array(8);
    expect(now(share.read(nameless, 0, to))).toBe(8);
    expect(text(to)).toBe('nameless');
    expect(now(share.read(held, 0, to))).toBe(3);
    expect(share.mkdir(77, ROOT_NODE, bytes('tagged'), 0o700, after.out)).toBe(0);
    for (const path of ['/', '/bin', '/etc', '/empty']) expect(after.list(path)).toEqual(before.list(path));
    for (const path of ['/f', '/etc/passwd', '/empty/x', '/bin/sh']) expect(after.read(path)).toBe(before.read(path));
    for (const path of ['/', '/f', '/etc/passwd', '/empty']) expect(after.attributes(path)).toEqual(before.attributes(path));
  });

  it('is refused over another image, and when it does not fit', () => {
    const before = clientOf();
    before.put('/f', 'x'.repeat(100_000));
    const part = new MemoryPart();
    before.share.save(part);
    expect(
      outcome(
        driverOf([new MemoryTree(BASE, 'other')])
          .open()
          .restore(part.read()),
      ),
    ).toBe('EINVAL');
    const small = driverOf(undefined, 50_000);
    expect(outcome(small.open().restore(part.read()))).toBe('ENOSPC');
    expect(new ShareClient(small.open()).read('/bin/sh')).toBe('newer');
  });
});

describe('errors of a layer', () => {
  it('reach the reader', () => {
    const broken = new MemoryTree({ f: 'content' });
    broken.read = () => -Errno.EIO;
    const client = clientOf(driverOf([broken]));
    expect(client.read('/f')).toBe('EIO');
    expect(outcome(client.write('/f', 1, 'x'))).toBe('EIO');
  });
});
