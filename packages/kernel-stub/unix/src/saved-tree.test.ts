import type { Plain } from '@ashlar/hardware';
import { Errno } from '@ashlar/hardware';
import { OpenFlag } from '@ashlar/kernel-stub';
import { PartBuilder, readPart } from '@ashlar/machine-image';
import { describe, expect, it } from 'vitest';
import type { Description } from './description.ts';
import { SlowFilesystem } from './testing/slow-filesystem.ts';
import { TreeFixture } from './testing/tree-fixture.ts';

/** A tree made again from what this one saves, with the descriptions given. */
function moved(tree: TreeFixture, descriptions: readonly Description[]): { tree: TreeFixture; descriptions: Description[] } {
  const out = new PartBuilder();
  tree.base.save(out.part('root'));
  expect(tree.files.save(out.part('files'))).toBe(0);
  const saved = descriptions.map((each) => ({ kind: each.kind, saved: each.save() }));
  const cwd = tree.files.savePlace(tree.caller.directories.cwd);
  const part = readPart(out.toBytes());
  const other = new TreeFixture();
  expect(other.base.restore(part.part('root'))).toBe(0);
  expect(other.files.restore(part.part('files'))).toBe(0);
  const place = other.files.restorePlace(cwd);
  expect(place).toBeDefined();
  if (place !== undefined) other.caller.directories.cwd = place;
  return { tree: other, descriptions: saved.map((each) => other.files.restoreDescription(each.kind, each.saved) as Description) };
}

describe('a saved tree', () => {
  it('keeps places, positions, and files without a name', () => {
    const tree = new TreeFixture();
    tree.mkdir('/a');
    tree.mkdir('/a/b');
    tree.put('/a/b/f', 'contents');
    tree.put('/gone', 'still here');
    tree.put('/dev/shm/x', 'in memory');
    tree.chdir('/a/b');
    const file = tree.opened('f');
    expect(tree.read(file, 3)).toBe('con');
    const unnamed = tree.opened('/gone', OpenFlag.READ_WRITE);
    tree.unlink('/gone');
    const shm = tree.opened('/dev/shm/x');
    const after = moved(tree, [file, unnamed, shm]);
    const [otherFile, otherUnnamed, otherShm] = after.descriptions as [Description, Description, Description];
    expect(after.tree.cwd()).toBe('/a/b');
    expect(after.tree.rename('/a', '/z')).toBe(0);
    expect(after.tree.cwd()).toBe('/z/b');
    expect(after.tree.read(otherFile)).toBe('tents');
    expect(after.tree.read(otherUnnamed)).toBe('still here');
    expect(after.tree.read(otherShm)).toBe('in memory');
    expect(after.tree.get('/gone')).toBe(-Errno.ENOENT);
    for (const each of after.descriptions) each.release();
    after.tree.chdir('/');
    expect(after.tree.files.places.inUse).toBe(0);
    // The unnamed file went with its last description: its pages are free again.
    expect(after.tree.host.account.usedPages).toBeLessThan(tree.host.account.usedPages);
  });

  it('lets a call that waits go on elsewhere, and runs nothing twice', () => {
    for (let asked = 1; asked < 8; asked++) {
      const slow: SlowFilesystem[] = [];
      const make = (): TreeFixture =>
        new TreeFixture((below) => {
          const made = new SlowFilesystem(below);
          slow.push(made);
          return made;
        });
      const one = make();
      one.mkdir('/a');
      const ask = (tree: TreeFixture): unknown =>
        tree.files.mkdir(tree.caller, tree.caller.directories.cwd, new TextEncoder().encode('/a/new'), 0o755);
      let early: unknown;
      for (let i = 0; i < asked && typeof early !== 'number'; i++) early = ask(one);
      const progress = structuredClone(one.caller.progress) as Plain | undefined;
      const out = new PartBuilder();
      one.base.save(out.part('root'));
      one.files.save(out.part('files'));
      const part = readPart(out.toBytes());
      const two = make();
      two.base.restore(part.part('root'));
      two.files.restore(part.part('files'));
      two.caller.progress = progress;
      // Tags of the two trees do not collide: the kernel saves where it is.
      for (let i = 0; i < 100; i++) two.host.tag();
      const late = typeof early === 'number' ? early : two.settle(() => ask(two) as number);
      expect(late).toBe(0);
      expect(two.list('/')).toEqual(['a', 'dev', 'proc']);
      expect(two.list('/a')).toEqual(['new']);
    }
  });
});
