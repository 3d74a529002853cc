import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Errno } from '@ashlar/hardware';
import { OpenFlag } from '@ashlar/kernel-stub';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SlowFilesystem } from './testing/slow-filesystem.ts';
import { TreeFixture } from './testing/tree-fixture.ts';

/** The tree beside a real one: the same calls on the same paths in a temporary folder must see the same. */
let top = '';
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'ashlar-tree-'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const NAMES = ['a', 'b', 'c'];
const component = fc.constantFrom(...NAMES, ...NAMES, ...NAMES, '.', '..');
const path = fc
  .tuple(fc.array(component, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '', '', '/'))
  .map(([parts, end]) => parts.join('/') + end);
/** Both start so far below their roots that no path leads out: `..` at the root differs. */
const DEEP = 'd/d/d/d/d/d';

const target = fc.array(fc.constantFrom(...NAMES, '.'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const contents = fc.constantFrom('', 'x', 'hello', 'y'.repeat(5000));

const step = fc.oneof(
  fc.record({ call: fc.constant('put' as const), path, contents }),
  fc.record({ call: fc.constant('append' as const), path, contents }),
  fc.record({ call: fc.constant('exclusive' as const), path }),
  fc.record({ call: fc.constant('mkdir' as const), path }),
  fc.record({ call: fc.constant('rmdir' as const), path }),
  fc.record({ call: fc.constant('unlink' as const), path }),
  fc.record({ call: fc.constant('symlink' as const), target, path }),
  fc.record({ call: fc.constant('link' as const), path, to: path }),
  fc.record({ call: fc.constant('rename' as const), path, to: path }),
  fc.record({ call: fc.constant('truncate' as const), path, size: fc.nat(9000) }),
  fc.record({ call: fc.constant('get' as const), path }),
  fc.record({ call: fc.constant('list' as const), path }),
  fc.record({ call: fc.constant('stat' as const), path }),
  fc.record({ call: fc.constant('lstat' as const), path }),
  fc.record({ call: fc.constant('readlink' as const), path }),
);
type Step = { call: string; path: string } & Partial<{ contents: string; to: string; target: string; size: number }>;

const view = ({ mode, size, links }: { mode: number; size: number; links: number }): unknown => {
  const directory = (mode & 0o170000) === 0o040000;
  return { mode: mode & 0o170000, size: directory ? 0 : size, links: directory ? 0 : links };
};

function onTree(tree: TreeFixture, each: Step): unknown {
  const { path: at } = each;
  switch (each.call) {
    case 'put':
      return tree.put(at, each.contents as string);
    case 'append': {
      const file = tree.open(at, OpenFlag.WRITE_ONLY | OpenFlag.CREATE | OpenFlag.APPEND, 0o644);
      if (typeof file === 'number') return file;
      tree.write(file, each.contents as string);
      file.release();
      return 0;
    }
    case 'exclusive': {
      const file = tree.open(at, OpenFlag.WRITE_ONLY | OpenFlag.CREATE | OpenFlag.EXCLUSIVE, 0o644);
      if (typeof file !== 'number') file.release();
      return typeof file === 'number' ? file : 0;
    }
    case 'mkdir':
      return tree.mkdir(at);
    case 'rmdir':
      return tree.rmdir(at);
    case 'unlink':
      return tree.unlink(at);
    case 'symlink':
      return tree.symlink(each.target as string, at);
    case 'link':
      return tree.link(at, each.to as string);
    case 'rename':
      return tree.rename(at, each.to as string);
    case 'truncate':
      return tree.settle(() =>
        tree.files.setAttributes(tree.caller, tree.caller.directories.cwd, new TextEncoder().encode(at), { size: each.size as number }, 0),
      );
    case 'get':
      return tree.get(at);
    case 'list':
      return tree.list(at);
    case 'readlink':
      return tree.readlink(at);
    default: {
      const found = each.call === 'stat' ? tree.stat(at) : tree.lstat(at);
      return typeof found === 'number' ? found : view(found);
    }
  }
}

function onHost(root: string, each: Step): unknown {
  // Not join(): it would take `.`, `..` and slashes away.
  const at = `${root}/${each.path}`;
  const to = `${root}/${each.to ?? ''}`;
  try {
    switch (each.call) {
      case 'put':
        writeFileSync(at, each.contents as string);
        return 0;
      case 'append':
        writeFileSync(at, each.contents as string, { flag: 'a' });
        return 0;
      case 'exclusive':
        closeSync(openSync(at, 'wx'));
        return 0;
      case 'mkdir':
        mkdirSync(at);
        return 0;
      case 'rmdir':
        rmdirSync(at);
        return 0;
      case 'unlink':
        unlinkSync(at);
        return 0;
      case 'symlink':
        symlinkSync(each.target as string, at);
        return 0;
      case 'link':
        linkSync(at, to);
        return 0;
      case 'rename':
        renameSync(at, to);
        return 0;
      case 'truncate':
        truncateSync(at, each.size as number);
        return 0;
      case 'get':
        closeSync(openSync(at, constants.O_RDONLY));
        return readFileSync(at, 'utf8');
      case 'list':
        return readdirSync(at).sort();
      case 'readlink':
        return readlinkSync(at);
      default: {
        const { mode, size, nlink } = each.call === 'stat' ? statSync(at) : lstatSync(at);
        return view({ mode, size, links: nlink });
      }
    }
  } catch (error) {
    return -Errno[(error as { code: keyof typeof Errno }).code];
  }
}

function compare(steps: readonly Step[], make: () => TreeFixture): void {
  const run = mkdtempSync(join(top, 'run-'));
  const root = join(run, DEEP);
  mkdirSync(root, { recursive: true });
  const tree = make();
  for (const name of DEEP.split('/')) {
    tree.mkdir(name);
    tree.chdir(name);
  }
  for (const each of steps) {
    const host = onHost(root, each);
    expect(onTree(tree, each), JSON.stringify(each)).toEqual(host);
  }
  rmSync(run, { recursive: true, force: true });
  tree.chdir('/');
  expect(tree.files.places.inUse).toBe(0);
}

it('answers as the host does', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => compare(steps, () => new TreeFixture())),
    { numRuns: 400 },
  );
});

it('answers as the host does when every request waits, and holds nothing afterwards', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      let slow!: SlowFilesystem;
      compare(steps, () => {
        return new TreeFixture((below) => {
          slow = new SlowFilesystem(below);
          return slow;
        });
      });
      expect(slow.held).toBe(0);
    }),
    { numRuns: 150 },
  );
});
