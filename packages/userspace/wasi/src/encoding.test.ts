import { Errno } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginWalk, walkBeneath } from './beneath.ts';
import type { Call } from './call.ts';
import { wasiErrno } from './errno.ts';
import { linuxSignal } from './layout.ts';
import { instantOf, isBefore, minus, plus, putNanoseconds } from './time.ts';

describe('64-bit nanoseconds', () => {
  const instant = fc.record({ sec: fc.integer({ min: 0, max: 18_446_744_072 }), nsec: fc.nat(999_999_999) });

  it('are written exactly, and read back', () => {
    const view = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(instant, ({ sec, nsec }) => {
        putNanoseconds(view, 0, sec, nsec);
        expect(view.getBigUint64(0, true)).toBe(BigInt(sec) * 1_000_000_000n + BigInt(nsec));
        expect(instantOf(view.getUint32(0, true), view.getUint32(4, true))).toEqual({ sec, nsec });
      }),
      { numRuns: 2000 },
    );
  });

  it('add and subtract', () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        expect(minus(plus(a, b), b)).toEqual(a);
        expect(minus(a, plus(a, b))).toEqual({ sec: 0, nsec: 0 });
        expect(isBefore(plus(a, b), a)).toBe(false);
      }),
    );
  });
});

describe('numbers', () => {
  it.each([
    ['EBADF', 8],
    ['ENOENT', 44],
    ['ENOTDIR', 54],
    ['EPERM', 63],
    ['EPIPE', 64],
    ['ESPIPE', 70],
    ['EXDEV', 75],
  ] as const)('%s is %i', (name, number) => {
    expect(wasiErrno(-Errno[name])).toBe(number);
  });

  it('every errno of System has one that is not success', () => {
    for (const number of Object.values(Errno)) expect(wasiErrno(-number)).toBeGreaterThan(0);
    expect(wasiErrno(-255)).toBe(29);
  });

  it.each([
    [9, 9],
    [15, 15],
    [16, 17],
    [30, 31],
    [31, -1],
  ])("signal %i is Linux's %i", (signal, linux) => {
    expect(linuxSignal(signal)).toBe(linux);
  });
});

describe('paths beneath a directory', () => {
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const links: Readonly<Record<string, string>> = {
    up: '..',
    out: 'a/../../x',
    abs: '/etc',
    round: 'round',
    'a/in': '../b',
    far: 'a/in/c',
  };

  function walk(path: string, followLast = true): string | number {
    const bytes = new Uint8Array(4096);
    const readlinkat = (_task: unknown, _dir: number, at: Uint8Array): number => {
      const name = decode(at);
      if (name.startsWith('missing')) return -Errno.ENOENT;
      const target = links[name];
      if (target === undefined) return -Errno.EINVAL;
      bytes.set(encode(target));
      return target.length;
    };
    const call = { system: { readlinkat }, task: { bytes } } as unknown as Call;
    const found = walkBeneath(call, 5, beginWalk(encode(path)), followLast);
    return found instanceof Uint8Array ? decode(found) : (found as number);
  }

  it.each([
    ['a/b', 'a/b'],
    ['./a//b/.', 'a/b'],
    ['a/../b', 'b'],
    ['a/..', '.'],
    ['a/', 'a/.'],
    ['far', 'b/c'],
    ['a/in/d', 'b/d'],
    ['missing', 'missing'],
    ['..', -Errno.EPERM],
    ['a/../../b', -Errno.EPERM],
    ['up', -Errno.EPERM],
    ['out', -Errno.EPERM],
    ['abs/passwd', -Errno.EPERM],
    ['round', -Errno.ELOOP],
    ['missing/../a', -Errno.ENOENT],
  ])('%s → %s', (path, found) => {
    expect(walk(path)).toBe(found);
  });

  it('the last link stays where it is not to be followed', () => {
    expect(walk('up', false)).toBe('up');
    expect(walk('up/', false)).toBe(-Errno.EPERM);
  });
});
