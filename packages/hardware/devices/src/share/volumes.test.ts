import { FileType, ROOT_NODE, type VolumeBackend } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { FakeEvents, MemoryPart, tickingClock } from '../fakes.test.support.ts';
import { blankAttributes } from './attributes.ts';
import { ShareDriver } from './driver.ts';
import { LayeredTree } from './layered-tree.ts';
import { MemoryTree, type TreeDescription } from './memory-tree.ts';
import { bytes, now, outcome, ShareClient } from './share-client.test.support.ts';

/** A volume without a host: the driver sees only the interface. */
class MemoryVolume implements VolumeBackend {
  readonly tree: LayeredTree;
  readonly forgotten: number[] = [];
  isClosed = false;

  constructor(description: TreeDescription) {
    this.tree = new LayeredTree({ layers: [new MemoryTree(description)], writableBytes: 1 << 20, nodesMax: 1000, now: tickingClock() });
  }
  /** The numbers of a layer are too high for a volume. */
  private readonly inner = (node: number): number => (node > 900 ? node - 900 + 2 ** 28 : node);
  private readonly outer = (node: number): number => (node >= 2 ** 28 ? node - 2 ** 28 + 900 : node);
  private filled(result: number, out: { node: number }): number {
    if (result < 0) return result;
    out.node = this.outer(result);
    return 0;
  }
  lookup: VolumeBackend['lookup'] = (parent, name, out) => {
    const result = this.tree.lookup(this.inner(parent), name, out);
    if (result > 0) this.tree.reference(result, 1);
    return this.filled(result, out);
  };
  getattr: VolumeBackend['getattr'] = (node, out) => this.filled(this.tree.getattr(this.inner(node), out), out);
  setattr: VolumeBackend['setattr'] = (node, change, out) => this.filled(this.tree.setattr(this.inner(node), change, out), out);
  readlink: VolumeBackend['readlink'] = (node) => this.tree.readlink(this.inner(node));
  create: VolumeBackend['create'] = (parent, name, mode, out) => this.filled(this.tree.create(this.inner(parent), name, mode, 0, out), out);
  mkdir: VolumeBackend['mkdir'] = (parent, name, mode, out) => this.filled(this.tree.mkdir(this.inner(parent), name, mode, out), out);
  symlink: VolumeBackend['symlink'] = (parent, name, target, out) =>
    this.filled(this.tree.symlink(this.inner(parent), name, target, out), out);
  link: VolumeBackend['link'] = (node, parent, name, out) =>
    this.filled(this.tree.link(this.inner(node), this.inner(parent), name, out), out);
  unlink: VolumeBackend['unlink'] = (parent, name) => this.tree.unlink(this.inner(parent), name);
  rmdir: VolumeBackend['rmdir'] = (parent, name) => this.tree.rmdir(this.inner(parent), name);
  rename: VolumeBackend['rename'] = (from, name, to, newName, flags) =>
    this.tree.rename(this.inner(from), name, this.inner(to), newName, flags);
  read: VolumeBackend['read'] = (node, at, to) => this.tree.read(this.inner(node), at, to);
  write: VolumeBackend['write'] = (node, at, from) => this.tree.write(this.inner(node), at, from);
  readdir: VolumeBackend['readdir'] = (node, visit) =>
    this.tree.readdir(this.inner(node), 0, (name, child, type) => visit(name, this.outer(child), type >>> 12));
  fsync: VolumeBackend['fsync'] = () => 0;
  statfs: VolumeBackend['statfs'] = () => 0;
  forget: VolumeBackend['forget'] = (node) => void this.forgotten.push(node);
  pathOf: VolumeBackend['pathOf'] = () => bytes('kept');
  adopt: VolumeBackend['adopt'] = (node, path) => {
    const found = this.tree.lookup(ROOT_NODE, path, blankAttributes());
    return this.outer(found) === node ? 0 : found;
  };
  close(): void {
    this.isClosed = true;
  }
}

function driverOf(image: TreeDescription, volumes: readonly { guest: string; backend: VolumeBackend }[]): ShareDriver {
  return new ShareDriver({ layers: [new MemoryTree(image)], volumes, events: new FakeEvents(), now: tickingClock() });
}

function rig(image: TreeDescription = { etc: { a: 'image' }, data: { hidden: 'x' } }) {
  const volume = new MemoryVolume({ kept: 'volume', sub: { deep: 'deep' } });
  const driver = driverOf(image, [{ guest: '/data', backend: volume }]);
  return { volume, driver, client: new ShareClient(driver.open()) };
}

describe('volumes', () => {
  it('cover what the image has there, and are read and changed through the share', () => {
    const { client, volume } = rig();
    expect(client.list('/').sort()).toEqual(['data', 'etc']);
    expect(client.list('/data').sort()).toEqual(['kept', 'sub']);
    expect(client.read('/data/sub/deep')).toBe('deep');
    client.put('/data/new', 'made');
    expect(new ShareClient(driverOf({}, [{ guest: '/m', backend: volume }]).open()).read('/m/new')).toBe('made');
    expect(client.rename('/data/new', '/data/sub/moved')).toBe(0);
    expect(client.unlink('/data/kept')).toBe(0);
    expect(client.list('/data')).toEqual(['sub']);
  });

  it('have mount points made for them, also deep ones', () => {
    const volume = new MemoryVolume({ f: 'x' });
    const client = new ShareClient(driverOf({}, [{ guest: '/a/b/c', backend: volume }]).open());
    expect(client.read('/a/b/c/f')).toBe('x');
    expect(client.list('/a/b')).toEqual(['c']);
  });

  it('list a name with the number that looking it up gives, the mount point too', () => {
    const { client } = rig();
    for (const [directory, name] of [
      ['/', 'data'],
      ['/data', 'sub'],
      ['/data', 'kept'],
      ['/etc', 'a'],
    ] as const) {
      const entry = client.page(client.walk(directory), 0, 4096).find((found) => found.name === name);
      expect([name, entry?.node]).toEqual([name, client.walk(`${directory}/${name}`)]);
    }
  });

  it('are told from the tree: EXDEV between them, EBUSY for the mount point', () => {
    const { client } = rig();
    expect(outcome(client.rename('/etc/a', '/data/a'))).toBe('EXDEV');
    expect(outcome(client.link('/etc/a', '/data/a'))).toBe('EXDEV');
    expect(outcome(client.link('/data/kept', '/etc/kept'))).toBe('EXDEV');
    expect(outcome(client.rmdir('/data'))).toBe('EBUSY');
    expect(outcome(client.rename('/data', '/elsewhere'))).toBe('EBUSY');
    expect(outcome(client.rename('/etc', '/data'))).toBe('EBUSY');
  });

  it('list each entry that stays once while the directory changes', () => {
    const { client } = rig({});
    for (let i = 0; i < 30; i++) client.put(`/data/n${i}`, '');
    const node = client.walk('/data');
    const seen: string[] = [];
    let cookie = 0;
    for (let round = 0; ; round++) {
      const page = client.page(node, cookie, 48);
      if (page.length === 0) break;
      for (const entry of page) seen.push(entry.name);
      cookie = page.at(-1)!.cookie;
      client.unlink(`/data/n${round}`);
      // Somebody else lists from the start in between.
      client.list('/data');
    }
    expect(new Set(seen).size).toBe(seen.length);
    for (const name of client.list('/data')) expect(seen).toContain(name);
  });

  it('are told what nobody refers to any more, only when nobody does', () => {
    const { driver, volume, client } = rig();
    const other = new ShareClient(driver.open());
    const node = client.walk('/data/kept');
    other.walk('/data/kept');
    client.share.forget(node, 1);
    expect(volume.forgotten).toEqual([]);
    other.share.reset();
    expect(volume.forgotten).toContain(node % 2 ** 27);
  });

  it('are found again after a restore, under the numbers they had', () => {
    const { driver, client } = rig();
    const node = client.walk('/data/kept');
    const part = new MemoryPart();
    expect(client.share.save(part)).toBe(0);
    const after = rig();
    const share = after.driver.open();
    after.client.share.close();
    expect(share.restore(part.read())).toBe(0);
    expect(outcome(share.getattr(node, client.out))).toBe(0);
    expect(now(share.read(node, 0, new Uint8Array(6)))).toBe(6);
    const elsewhere = driverOf({ etc: { a: 'image' }, data: { hidden: 'x' } }, []);
    expect(outcome(elsewhere.open().restore(part.read()))).toBe('EINVAL');
    driver.close();
  });

  it('are closed with the driver', () => {
    const { driver, volume } = rig();
    driver.close();
    expect(volume.isClosed).toBe(true);
  });

  it.each([
    ['/', 'the root of the share cannot be covered'],
    ['/etc/a', '/etc/a is not a folder in the image'],
    ['/etc/a/b', '/etc/a is not a folder in the image'],
  ])('at %s are refused in words', (guest, message) => {
    const backend = new MemoryVolume({});
    expect(() => driverOf({ etc: { a: 'x' } }, [{ guest, backend }])).toThrow(`volume at ${guest}: ${message}`);
  });

  it('one within another is refused', () => {
    const backend = new MemoryVolume({});
    const nested = [
      { guest: '/a', backend },
      { guest: '/a/b', backend },
    ];
    expect(() => driverOf({}, nested)).toThrow('volume at /a/b: it lies at or below another volume');
  });

  it('show their type at the mount point', () => {
    const { client } = rig();
    expect(client.attributes('/data').mode & FileType.MASK).toBe(FileType.DIRECTORY);
  });
});
