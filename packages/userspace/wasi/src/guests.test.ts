import { Riscv64Cpu } from '@ashlar/cpu-riscv64';
import { Wasm32Cpu } from '@ashlar/cpu-wasm32';
import { GUEST_DIRECTORY, guests } from '@ashlar/guests';
import type { Cpu, Machine } from '@ashlar/hardware';
import { PassthroughKernel } from '@ashlar/kernel-passthrough';
import { PosixKernel } from '@ashlar/kernel-posix';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { guestRoot, SystemRig } from '@ashlar/kernel-stub-conformance';
import { LowerMachine, type PluginClass } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { LinuxPersonality } from '@ashlar/userspace-linux';
import { describe, expect, it } from 'vitest';
import { WasiPersonality } from './personality.ts';

const cpus = [
  { cpu: makePlugin<Cpu>(Wasm32Cpu), plugin: { use: 'wasm32' } },
  { cpu: makePlugin<Cpu>(Riscv64Cpu), plugin: { use: 'riscv64' } },
];

const rigOn = (kernel: PluginClass<KernelStub>): SystemRig =>
  new SystemRig({
    kernel: (machine: Machine) => makePlugin<KernelStub>(kernel, {}, new Map([[LowerMachine, machine]])),
    personalities: () => [makePlugin<Personality>(LinuxPersonality), makePlugin<Personality>(WasiPersonality)],
    cpus,
    root: guestRoot(),
  });

const programs = guests.filter((each) => each.isa === 'wasm32' || each.name.startsWith('pipeline-'));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe.each([
  ['posix', PosixKernel],
  ['passthrough', PassthroughKernel],
])('on %s', (_, kernel) => {
  it.each(programs.map((each) => [each.name, each] as const))('%s', (_name, guest) => {
    const { argv, env, stdin, files } = guest;
    const expected = guest.expected();
    const ran = rigOn(kernel).run({ argv, env, cwd: GUEST_DIRECTORY, ...(stdin !== undefined && { stdin }), ...(files && { files }) });
    expect(ran).toEqual({ stdout: text(expected.stdout), stderr: text(expected.stderr), status: expected.status });
  });
});

describe('state', () => {
  /** Runs to the end, from time to time in a copy made through the saved form. */
  function runMoved(name: string, every: number, budget: number): { stdout: string; status: number; moves: number } {
    const { argv, env } = guests.find((each) => each.name === name)!;
    let rig = rigOn(PosixKernel);
    const pid = rig.spawn({ argv, env, cwd: GUEST_DIRECTORY });
    rig.stdio(pid, 0).close();
    const chunk = new Uint8Array(4096);
    const exit = { code: -1, signal: 0 };
    let stdout = '';
    let moves = 0;
    for (let steps = 1; steps < 50_000; steps++) {
      const got = rig.stdio(pid, 1).read(chunk);
      if (typeof got === 'number' && got > 0) stdout += text(chunk.subarray(0, got));
      if (got === 0 && rig.system.wait(pid, exit) === 0) return { stdout, status: exit.code, moves };
      const { wait } = rig.step(budget);
      if (wait?.until) rig.clock.skipTo(wait.until);
      if (steps % every === 0) {
        rig = rig.restored();
        moves++;
      }
    }
    throw new Error('does not end');
  }

  it.each([
    ['pipeline-mixed', 40, 4001],
    ['pipeline-wasm-first', 40, 4003],
    ['wasi-files', 4, 500],
    ['wasi-compute', 2, 100_003],
    ['wasi-clocks', 2, 700],
  ])('%s goes on identically when it is moved every %i steps of %i instructions', (name, every, budget) => {
    const expected = guests.find((each) => each.name === name)!.expected();
    const { stdout, status, moves } = runMoved(name, every, budget);
    expect({ stdout, status }).toEqual({ stdout: text(expected.stdout), status: expected.status });
    expect(moves).toBeGreaterThan(2);
  });
});
