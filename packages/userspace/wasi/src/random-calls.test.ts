import { Wasm32Cpu } from '@ashlar/cpu-wasm32';
import type { Cpu, Machine } from '@ashlar/hardware';
import { PosixKernel } from '@ashlar/kernel-posix';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { SystemRig } from '@ashlar/kernel-stub-conformance';
import { LowerMachine } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WasiPersonality } from './personality.ts';
import { FUNCTIONS, PREVIEW1, UNSTABLE } from './table.ts';

/** Parameters by function, `i` for i32 and `I` for i64 (wasi_snapshot_preview1.witx). */
const SIGNATURES: Readonly<Record<string, string>> = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
};
const NAMES = Object.keys(SIGNATURES);

interface RandomCall {
  readonly index: number;
  readonly values: readonly number[];
}

function leb(value: number, signed: boolean): number[] {
  const out: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = signed ? (rest === 0n && !(byte & 0x40)) || (rest === -1n && (byte & 0x40) !== 0) : rest === 0n;
    out.push(done ? byte : byte | 0x80);
    if (done) return out;
  }
}

const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length, false), ...content];
const I32 = 0x7f;
const I64 = 0x7e;

/** A module whose `_start` makes the calls one after the other, over a memory with paths, vectors and subscriptions in it. */
function moduleOf(calls: readonly RandomCall[], module: string): Uint8Array {
  const types = NAMES.map((each) => {
    const params = [...SIGNATURES[each]!].map((letter) => (letter === 'I' ? I64 : I32));
    return [0x60, params.length, ...params, ...(each === 'proc_exit' ? [0] : [1, I32])];
  });
  const imports = NAMES.map((each, index) => [...name(module), ...name(each), 0, index]);
  const body = [0];
  for (const { index, values } of calls) {
    [...SIGNATURES[NAMES[index]!]!].forEach((letter, at) => {
      const value = values[at]!;
      body.push(letter === 'I' ? 0x42 : 0x41, ...leb(letter === 'I' ? value : value | 0, true));
    });
    body.push(0x10, index, ...(NAMES[index] === 'proc_exit' ? [] : [0x1a]));
  }
  body.push(0x0b);
  const memory = new Uint8Array(256);
  memory.set(new TextEncoder().encode('tmp/file../..//lnk'), 0);
  // Vectors: (0, 8), (64, 100), (65500, 100); then a clock subscription at 96.
  new Uint32Array(memory.buffer, 32, 6).set([0, 8, 64, 100, 65500, 100]);
  new Uint32Array(memory.buffer, 96, 12).set([1, 2, 0, 0, 1, 0, 500, 0, 0, 0, 0, 0]);
  const start = NAMES.length;
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [types.length + 1, ...types.flat(), 0x60, 0, 0]),
    ...section(2, [imports.length, ...imports.flat()]),
    ...section(3, [1, types.length]),
    ...section(5, [1, 1, 1, 2]),
    ...section(7, [1, ...name('_start'), 0, start]),
    ...section(10, [1, ...leb(body.length, false), ...body]),
    ...section(11, [1, 0, 0x41, 0, 0x0b, ...leb(memory.length, false), ...memory]),
  ]);
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 3, arbitrary: fc.constantFrom(32, 40, 48, 96, 256, 1024, 65528) },
  { weight: 1, arbitrary: fc.constantFrom(65535, 65536, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, -(2 ** 53)) },
);
const call = fc.record({ index: fc.nat(NAMES.length - 1), values: fc.array(value, { minLength: 9, maxLength: 9 }) });

describe('random calls with random arguments', () => {
  it('know every function', () => {
    expect([...FUNCTIONS.keys()].sort()).toEqual(NAMES);
  });

  it('end the program, or leave it parked in a wait, and the stub stays healthy', () => {
    const cpus = [{ cpu: makePlugin<Cpu>(Wasm32Cpu), plugin: { use: 'wasm32' } }];
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 40 }), fc.constantFrom(PREVIEW1, UNSTABLE), (calls, module) => {
        const rig = new SystemRig({
          kernel: (machine: Machine) => makePlugin<KernelStub>(PosixKernel, {}, new Map([[LowerMachine, machine]])),
          personalities: () => [makePlugin<Personality>(WasiPersonality)],
          cpus,
          root: { random: moduleOf(calls, module), after: moduleOf([], module) },
        });
        const pid = rig.spawn({ argv: ['/random'], cwd: '/tmp' });
        expect(pid).toBeGreaterThan(0);
        const exit = { code: 0, signal: 0 };
        for (let steps = 0; steps < 200 && rig.system.wait(pid, exit) !== 0; steps++) {
          const { wait, used } = rig.step();
          if (wait === undefined) continue;
          if (wait.until) rig.clock.skipTo(wait.until);
          else if (used === 0) break;
        }
        expect(rig.run({ argv: ['/after'] }).status).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
