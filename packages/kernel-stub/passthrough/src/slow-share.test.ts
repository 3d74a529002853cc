import { Riscv64Cpu } from '@ashlar/cpu-riscv64';
import { FaultyShare } from '@ashlar/devices';
import { GUEST_DIRECTORY, guest } from '@ashlar/guests';
import type { Cpu, Machine, Reply, Share } from '@ashlar/hardware';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { guestRoot, SystemRig } from '@ashlar/kernel-stub-conformance';
import { LowerMachine } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { LinuxPersonality } from '@ashlar/userspace-linux';
import { expect, it } from 'vitest';
import { PassthroughKernel } from './passthrough-kernel.ts';

/** A rig whose share answers so many of a thousand requests with a wait first. */
function slowRig(delayPerMille: number): SystemRig {
  return new SystemRig({
    kernel: (machine: Machine) => {
      const plan = { seed: 1, delayPerMille, delayNsMax: 100_000, failPerMille: 0 };
      const share = new FaultyShare(machine.device('root') as Share, plan, (out) => machine.clock.read('monotonic', out));
      const slow = new Proxy(machine, {
        get(target, key) {
          if (key === 'device') return (name: string) => (name === 'root' ? share : target.device(name));
          const member = Reflect.get(target, key, target) as unknown;
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
      return makePlugin<KernelStub>(PassthroughKernel, {}, new Map([[LowerMachine, slow]]));
    },
    personalities: () => [makePlugin<Personality>(LinuxPersonality)],
    cpus: [{ cpu: makePlugin<Cpu>(Riscv64Cpu), plugin: { use: 'riscv64' } }],
    root: guestRoot(),
  });
}

/** Asks until there is an answer; time passes while the device waits. */
function answered(rig: SystemRig, ask: () => Reply): number {
  for (;;) {
    const reply = ask();
    if (typeof reply === 'number') return reply;
    rig.step();
    if (reply.until !== undefined) rig.clock.skipTo(reply.until);
  }
}

it.each([
  ['file-io', 300],
  ['file-io', 1000],
  ['file-truncate', 1000],
  ['rename', 1000],
  ['links', 300],
  ['links', 1000],
  ['directory-fd', 300],
  ['path-errors', 300],
  ['exec-script', 1000],
  ['mmap-file', 1000],
  ['pipeline', 1000],
])('%s says the same when %i of a thousand requests wait', (name, delayPerMille) => {
  const { argv, env } = guest(name);
  const rig = slowRig(delayPerMille);
  const spec = { argv, env: env ?? {}, cwd: GUEST_DIRECTORY, tty: false };
  const pid = answered(rig, () => rig.system.spawn(1, spec));
  const { stdout, status } = rig.follow(pid, '');
  const recorded = guest(name).expected();
  expect({ stdout, status }).toEqual({ stdout: new TextDecoder().decode(recorded.stdout), status: recorded.status });
});
