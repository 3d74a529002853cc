import { FileType, RenameFlag } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeEvents, MemoryPart, tickingClock } from '../fakes.test.support.ts';
import { ShareDriver } from './driver.ts';
import { MemoryTree } from './memory-tree.ts';
import { outcome, ShareClient } from './share-client.test.support.ts';

/** The simplest file system that could be right: maps and byte arrays, by the text of POSIX. */
interface ModelFile {
  bytes: number[];
  links: number;
}
type ModelDirectory = Map<string, ModelFile | ModelDirectory>;
type Outcome = number | string;

class Model {
  readonly root: ModelDirectory;
  constructor() {
    const file = (text: string): ModelFile => ({ bytes: [...text].map((c) => c.charCodeAt(0)), links: 1 });
    this.root = new Map<string, ModelFile | ModelDirectory>([
      [
        'a',
        new Map<string, ModelFile | ModelDirectory>([
          ['x', file('upper-x')],
          ['y', file('lower-y')],
          ['d', new Map()],
        ]),
      ],
      ['b', file('lower-b')],
    ]);
  }

  find(path: string): ModelFile | ModelDirectory | string {
    let at: ModelFile | ModelDirectory = this.root;
    for (const name of path.split('/')) {
      if (!(at instanceof Map)) return 'ENOTDIR';
      const next: ModelFile | ModelDirectory | undefined = at.get(name);
      if (next === undefined) return 'ENOENT';
      at = next;
    }
    return at;
  }

  /** Where a path's last name would be; it may turn out to be a file. */
  place(path: string): [ModelFile | ModelDirectory, string] | string {
    const names = path.split('/');
    const name = names.pop()!;
    const parent = names.length === 0 ? this.root : this.find(names.join('/'));
    return typeof parent === 'string' ? parent : [parent, name];
  }

  parent(path: string): [ModelDirectory, string] | string {
    const at = this.place(path);
    if (typeof at === 'string') return at;
    return at[0] instanceof Map ? [at[0], at[1]] : 'ENOTDIR';
  }

  make(path: string, made: ModelFile | ModelDirectory): Outcome {
    const at = this.parent(path);
    if (typeof at === 'string') return at;
    if (at[0].has(at[1])) return 'EEXIST';
    at[0].set(at[1], made);
    return 0;
  }

  unlink(path: string): Outcome {
    const at = this.parent(path);
    if (typeof at === 'string') return at;
    const found = at[0].get(at[1]);
    if (found === undefined) return 'ENOENT';
    if (found instanceof Map) return 'EISDIR';
    found.links--;
    at[0].delete(at[1]);
    return 0;
  }

  rmdir(path: string): Outcome {
    const at = this.parent(path);
    if (typeof at === 'string') return at;
    const found = at[0].get(at[1]);
    if (found === undefined) return 'ENOENT';
    if (!(found instanceof Map)) return 'ENOTDIR';
    if (found.size > 0) return 'ENOTEMPTY';
    at[0].delete(at[1]);
    return 0;
  }

  link(from: string, to: string): Outcome {
    const found = this.find(from);
    if (typeof found === 'string') return found;
    const where = this.place(to);
    if (typeof where === 'string') return where;
    if (found instanceof Map) return 'EPERM';
    const at = this.parent(to);
    if (typeof at === 'string') return at;
    if (at[0].has(at[1])) return 'EEXIST';
    found.links++;
    at[0].set(at[1], found);
    return 0;
  }

  rename(from: string, to: string, flags: number): Outcome {
    for (const place of [this.place(from), this.place(to)]) if (typeof place === 'string') return place;
    const source = this.parent(from);
    if (typeof source === 'string') return source;
    const target = this.parent(to);
    if (typeof target === 'string') return target;
    const moved = source[0].get(source[1]);
    if (moved === undefined) return 'ENOENT';
    const replaced = target[0].get(target[1]);
    if (flags === RenameFlag.EXCHANGE) {
      if (replaced === undefined) return 'ENOENT';
      if (replaced !== moved && (within(target[0], moved) || within(source[0], replaced))) return 'EINVAL';
      source[0].set(source[1], replaced);
      target[0].set(target[1], moved);
      return 0;
    }
    if (replaced !== undefined) {
      if (flags === RenameFlag.NOREPLACE) return 'EEXIST';
      if (replaced === moved) return 0;
      if (moved instanceof Map && !(replaced instanceof Map)) return 'ENOTDIR';
      if (!(moved instanceof Map) && replaced instanceof Map) return 'EISDIR';
      if (replaced instanceof Map && replaced.size > 0) return 'ENOTEMPTY';
    }
    if (within(target[0], moved)) return 'EINVAL';
    if (replaced !== undefined && !(replaced instanceof Map)) replaced.links--;
    source[0].delete(source[1]);
    target[0].set(target[1], moved);
    return 0;
  }

  write(path: string, at: number, bytes: readonly number[]): Outcome {
    const found = this.find(path);
    if (typeof found === 'string') return found;
    if (found instanceof Map) return 'EISDIR';
    // A write of nothing extends nothing (write(2)).
    if (bytes.length === 0) return 0;
    while (found.bytes.length < at) found.bytes.push(0);
    found.bytes.splice(at, bytes.length, ...bytes);
    return bytes.length;
  }

  truncate(path: string, size: number): Outcome {
    const found = this.find(path);
    if (typeof found === 'string') return found;
    if (found instanceof Map) return 'EISDIR';
    found.bytes.length = Math.min(found.bytes.length, size);
    while (found.bytes.length < size) found.bytes.push(0);
    return 0;
  }
}

function within(directory: ModelDirectory, ancestor: ModelFile | ModelDirectory): boolean {
  if (directory === ancestor) return true;
  return ancestor instanceof Map && [...ancestor.values()].some((child) => child instanceof Map && within(directory, child));
}

function newShare(): ShareClient {
  const driver = new ShareDriver({
    layers: [
      new MemoryTree({ a: { x: 'lower-x', y: 'lower-y' }, b: 'lower-b' }, 'lower'),
      new MemoryTree({ a: { x: 'upper-x', d: {} } }, 'upper'),
    ],
    events: new FakeEvents(),
    now: tickingClock(),
  });
  return new ShareClient(driver.open());
}

const name = fc.constantFrom('a', 'b', 'x', 'y', 'd', 'new');
/** Mostly paths where something is or may well be, so that most operations succeed; now and then any. */
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'a/x', 'a/y', 'a/d', 'new', 'a/new', 'a/d/new', 'd') },
  { weight: 1, arbitrary: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')) },
);
const flags = fc.constantFrom(0, 0, 0, RenameFlag.NOREPLACE, RenameFlag.EXCHANGE);
const place = fc.oneof(fc.nat(20), fc.constantFrom(16_380, 16_384, 40_000));
type Act = (share: ShareClient, model: Model) => readonly [Outcome, Outcome];
type Operation = readonly [text: string, act: Act];
const operation: fc.Arbitrary<Operation> = fc.oneof(
  path.map((p): Operation => [`create ${p}`, (s, m) => [outcome(s.create(p)), m.make(p, { bytes: [], links: 1 })]]),
  path.map((p): Operation => [`mkdir ${p}`, (s, m) => [outcome(s.mkdir(p)), m.make(p, new Map())]]),
  path.map((p): Operation => [`unlink ${p}`, (s, m) => [outcome(s.unlink(p)), m.unlink(p)]]),
  path.map((p): Operation => [`rmdir ${p}`, (s, m) => [outcome(s.rmdir(p)), m.rmdir(p)]]),
  fc.tuple(path, path).map(([p, q]): Operation => [`link ${p} ${q}`, (s, m) => [outcome(s.link(p, q)), m.link(p, q)]]),
  fc
    .tuple(path, path, flags)
    .map(([p, q, f]): Operation => [`rename ${p} ${q} ${f}`, (s, m) => [outcome(s.rename(p, q, f)), m.rename(p, q, f)]]),
  fc
    .tuple(path, place, fc.uint8Array({ maxLength: 8 }))
    .map(
      ([p, at, bytes]): Operation => [`write ${p} ${at} ${bytes}`, (s, m) => [outcome(s.write(p, at, bytes)), m.write(p, at, [...bytes])]],
    ),
  fc
    .tuple(path, place)
    .map(([p, size]): Operation => [`truncate ${p} ${size}`, (s, m) => [outcome(s.truncate(p, size)), m.truncate(p, size)]]),
  fc.constant<Operation>(['forget all', (s) => [forgetAll(s), 0]]),
);

/** References are given back, so that records come and go. */
function forgetAll(client: ShareClient): number {
  for (const p of ['a', 'b', 'a/x', 'a/y', 'a/d', 'new', 'x', 'a/new']) {
    const node = client.walk(p);
    if (node > 1) client.share.forget(node, 1_000_000);
  }
  return 0;
}

/** All that can be seen of both, as one value. */
function compare(share: ShareClient, model: Model): void {
  const visit = (directory: ModelDirectory, at: string): void => {
    expect(share.list(at, 64).sort()).toEqual([...directory.keys()].sort());
    const subdirectories = [...directory.values()].filter((child) => child instanceof Map).length;
    expect([at, share.attributes(at).links]).toEqual([at, 2 + subdirectories]);
    for (const [child, found] of directory) {
      const childPath = `${at}/${child}`;
      if (found instanceof Map) {
        visit(found, childPath);
        continue;
      }
      const read = share.readBytes(childPath) as Uint8Array;
      const differs = found.bytes.findIndex((byte, i) => read[i] !== byte);
      expect([childPath, differs]).toEqual([childPath, -1]);
      const attributes = share.attributes(childPath);
      expect([childPath, attributes.links, attributes.size]).toEqual([childPath, found.links, found.bytes.length]);
      expect(attributes.mode & FileType.MASK).toBe(FileType.REGULAR);
    }
  };
  visit(model.root, '');
}

describe('the share against a simple model', () => {
  it('answers every sequence of operations alike, and shows the same tree after it', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
        const share = newShare();
        const model = new Model();
        for (const [text, act] of operations) {
          const [got, wanted] = act(share, model);
          expect([text, got]).toEqual([text, wanted]);
        }
        compare(share, model);
      }),
      { numRuns: 200, seed: 20_260 },
    );
  });

  it('is the same when it is saved and restored between any two operations', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 25, size: 'max' }),
        fc.array(operation, { maxLength: 25, size: 'max' }),
        (before, after) => {
          const first = newShare();
          const model = new Model();
          for (const [, act] of before) act(first, model);
          const part = new MemoryPart();
          expect(first.share.save(part)).toBe(0);
          const second = newShare();
          expect(second.share.restore(part.read())).toBe(0);
          second.tag = first.tag;
          compare(second, model);
          for (const [text, act] of after) {
            const [got, wanted] = act(second, model);
            expect([text, got]).toEqual([text, wanted]);
          }
          compare(second, model);
        },
      ),
      { numRuns: 100, seed: 20_261 },
    );
  });
});
