import { registerMutants, registerSuite } from '@ashlar/conformance';
import { Riscv64Cpu } from '@ashlar/cpu-riscv64';
import { type Cpu, Errno, type Machine } from '@ashlar/hardware';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { guestRoot, type RigParts, SystemRig, smallSystemMutants, systemTests } from '@ashlar/kernel-stub-conformance';
import { LowerMachine, manifestOf } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { LinuxPersonality } from '@ashlar/userspace-linux';
import { describe, expect, it } from 'vitest';
import { SoloKernel } from './solo-kernel.ts';

const parts: RigParts = {
  kernel: (machine: Machine) => makePlugin<KernelStub>(SoloKernel, {}, new Map([[LowerMachine, machine]])),
  personalities: () => [makePlugin<Personality>(LinuxPersonality)],
  cpus: [{ cpu: makePlugin<Cpu>(Riscv64Cpu), plugin: { use: 'riscv64' } }],
  root: guestRoot(),
};
const features = manifestOf(SoloKernel)?.traits?.features as readonly string[];

const READ_ONLY = 'files are read-only, and their names plain';
const options = {
  name: 'solo',
  factory: () => new SystemRig(parts),
  supports: new Set([...features, 'lacks process', 'lacks descriptor']),
  waivers: { 'S-30': READ_ONLY, 'S-31': READ_ONLY, 'S-34': READ_ONLY, 'S-35': READ_ONLY, 'S-60': 'clocks can be read, and nobody sleeps' },
};
registerSuite(systemTests, options);
registerMutants(systemTests, options, smallSystemMutants(parts));

describe('solo', () => {
  it('runs one program at a time', () => {
    const rig = new SystemRig(parts);
    const hello = { stdout: 'Hello, world\n', stderr: '', status: 0 };
    expect(rig.run({ argv: ['/guests/hello'] })).toEqual(hello);
    expect(rig.run({ argv: ['/guests/hello'] })).toEqual(hello);
    const pid = rig.spawn({ argv: ['/guests/hello'] });
    expect(rig.spawn({ argv: ['/guests/hello'] })).toBe(-Errno.EAGAIN);
    expect(rig.follow(pid, '')).toEqual(hello);
    expect(rig.machine.memory.usedPages).toBe(0);
  });

  it('says what a program asked for and is not there, but for what programs do without', () => {
    const end = (...argv: string[]): unknown => {
      const rig = new SystemRig(parts);
      const pid = rig.spawn({ argv });
      const exit = { code: 0, signal: 0 };
      rig.until(() => rig.system.wait(pid, exit) === 0);
      return exit;
    };
    expect(end('/guests/exec')).toEqual({ code: 0, signal: 31, refused: 'execve' });
    expect(end('/guests/threads')).toEqual({ code: 0, signal: 31, refused: 'clone' });
    expect(end('/guests/sleep')).toEqual({ code: 0, signal: 31, refused: 'sleep' });
    // Handlers cannot be set, which this program says itself.
    expect(end('/guests/signal-handler')).toEqual({ code: 99, signal: 0 });
  });

  it('ends with a fault of its program, and with a signal', () => {
    expect(new SystemRig(parts).run({ argv: ['/guests/end', 'segv'] }).status).toBe(139);
    const rig = new SystemRig(parts);
    const pid = rig.spawn({ argv: ['/guests/upper'] });
    expect(rig.system.signal(pid, 0, false)).toBe(0);
    expect(rig.system.signal(pid, 15, false)).toBe(0);
    const exit = { code: 0, signal: 0 };
    rig.until(() => rig.system.wait(pid, exit) === 0);
    expect(exit.signal).toBe(15);
  });

  it('goes on in another machine where it was saved', () => {
    let rig = new SystemRig(parts);
    const pid = rig.spawn({ argv: ['/guests/lines', '200'] });
    for (let steps = 0; steps < 10; steps++) {
      rig.step(1000);
      rig = rig.restored();
    }
    expect(rig.follow(pid, '').stdout.trimEnd().split('\n')).toHaveLength(200);
  });
});
