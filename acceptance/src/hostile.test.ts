import { Riscv64Cpu } from '@ashlar/cpu-riscv64';
import { Wasm32Cpu } from '@ashlar/cpu-wasm32';
import { guest } from '@ashlar/guests';
import type { Cpu } from '@ashlar/hardware';
import { PassthroughKernel } from '@ashlar/kernel-passthrough';
import { PosixKernel } from '@ashlar/kernel-posix';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { guestRoot, SystemRig } from '@ashlar/kernel-stub-conformance';
import { LowerMachine, type PluginClass } from '@ashlar/plugin';
import { LinuxPersonality } from '@ashlar/userspace-linux';
import { WasiPersonality } from '@ashlar/userspace-wasi';
import { makePlugin } from 'ashlar';
import { describe, expect, it } from 'vitest';
import { callProgram, randomNumbers } from './random-calls.ts';

/** Instructions that one damaged program may use before it is ended: those that spin are meant to reach it. */
const BUDGET = 300_000;
const STEP = 50_000;

const KERNELS: readonly { readonly name: string; readonly kernel: PluginClass<KernelStub> }[] = [
  { name: 'posix', kernel: PosixKernel },
  { name: 'passthrough', kernel: PassthroughKernel },
];

function rigWith(kernel: PluginClass<KernelStub>, programs: Readonly<Record<string, Uint8Array>>): SystemRig {
  return new SystemRig({
    kernel: (machine) => makePlugin<KernelStub>(kernel, {}, new Map([[LowerMachine, machine]])),
    personalities: () => [makePlugin<Personality>(LinuxPersonality), makePlugin<Personality>(WasiPersonality)],
    cpus: [
      { cpu: makePlugin<Cpu>(Riscv64Cpu), plugin: { use: 'riscv64' } },
      { cpu: makePlugin<Cpu>(Wasm32Cpu), plugin: { use: 'wasm32' } },
    ],
    root: { ...guestRoot(), damaged: { ...programs } },
    pages: 32_768,
  });
}

/** How a hostile program ended: each of these is as documented. */
type End = 'refused' | 'exited' | 'signalled' | 'parked' | 'spun';

/** Runs a program within its budget, and ends it. Whatever it does, nothing may be thrown here. */
function runHostile(rig: SystemRig, argv: readonly string[]): End {
  const pid = rig.spawn({ argv, cwd: '/tmp' });
  if (pid < 0) return 'refused';
  const exit = { code: 0, signal: 0 };
  let end: End = 'spun';
  for (let used = 0; used < BUDGET; ) {
    drain(rig, pid);
    if (rig.system.wait(pid, exit) === 0) {
      end = exit.signal === 0 ? 'exited' : 'signalled';
      break;
    }
    const step = rig.step(STEP);
    used += step.used;
    if (step.wait !== undefined && step.used === 0) {
      end = 'parked';
      break;
    }
  }
  endAll(rig, pid);
  return end;
}

function drain(rig: SystemRig, pid: number): void {
  const buffer = new Uint8Array(65_536);
  for (const fd of [1, 2]) {
    const stdio = rig.system.stdio(pid, fd);
    for (let reply = stdio?.read(buffer); typeof reply === 'number' && reply > 0; ) reply = stdio?.read(buffer);
  }
}

/** Ends the program and all that it started. */
function endAll(rig: SystemRig, pid: number): void {
  for (let count = 0; count < 20; count++) {
    rig.system.signal(pid, 9, true);
    rig.system.signal(pid, 9, false);
    drain(rig, pid);
    rig.step(STEP);
    if (rig.system.wait(pid, { code: 0, signal: 0 }) === 0) break;
  }
  rig.system.release(pid);
}

/** The stub still works: a program says what it should. */
function expectHealthy(rig: SystemRig): void {
  const { stdout, status } = rig.run({ argv: ['/guests/hello'] });
  expect({ stdout, status }).toEqual({ stdout: new TextDecoder().decode(guest('hello').expected().stdout), status: 0 });
}

function damaged(program: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = program.slice(0, random(8) === 0 ? random(program.length) : program.length);
  const changes = 1 + random(12);
  for (let change = 0; change < changes && copy.length > 0; change++) {
    // Half of the damage hits the headers, where it is most telling.
    const at = random(2) === 0 ? random(Math.min(copy.length, 256)) : random(copy.length);
    copy[at] = random(256);
  }
  return copy;
}

describe.each(KERNELS)('hostile programs on $name', ({ kernel }) => {
  it.each([
    ['ELF', 'hello', 250],
    ['ELF', 'fork-wait', 100],
    ['wasm', 'wasi-upper', 150],
  ])('damaged %s files (%s × %i) end as documented', (_format, name, count) => {
    const random = randomNumbers(99);
    const original = guest(name).bytes();
    const programs = Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, damaged(original, random)]));
    const rig = rigWith(kernel, programs);
    const ends = new Map<End, number>();
    for (const program of Object.keys(programs)) {
      const end = runHostile(rig, [`/damaged/${program}`]);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    expect([...ends.values()].reduce((sum, each) => sum + each, 0)).toBe(count);
    expect(ends.get('refused') ?? 0).toBeGreaterThan(0);
    expectHealthy(rig);
  });

  it('2,500 random system calls with random arguments end as documented', () => {
    const random = randomNumbers(7);
    const programs = Object.fromEntries(Array.from({ length: 125 }, (_, index) => [`c${index}`, callProgram(random, 20)]));
    const rig = rigWith(kernel, programs);
    const ends = new Map<End, number>();
    for (const program of Object.keys(programs)) {
      const end = runHostile(rig, [`/damaged/${program}`]);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    expect(ends.get('refused')).toBeUndefined();
    expect((ends.get('exited') ?? 0) + (ends.get('signalled') ?? 0)).toBeGreaterThan(10);
    expectHealthy(rig);
  });
});
