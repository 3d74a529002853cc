import { registerMutants, registerSuite } from '@ashlar/conformance';
import { Riscv64Cpu } from '@ashlar/cpu-riscv64';
import type { Cpu, Machine } from '@ashlar/hardware';
import { FEATURE_GROUPS, type KernelStub, type Personality } from '@ashlar/kernel-stub';
import { guestRoot, type RigParts, SystemRig, systemMutants, systemTests } from '@ashlar/kernel-stub-conformance';
import { LowerMachine } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { LinuxPersonality } from '@ashlar/userspace-linux';
import { PosixKernel } from './posix-kernel.ts';

const parts: RigParts = {
  kernel: (machine: Machine) => makePlugin<KernelStub>(PosixKernel, {}, new Map([[LowerMachine, machine]])),
  personalities: () => [makePlugin<Personality>(LinuxPersonality)],
  cpus: [{ cpu: makePlugin<Cpu>(Riscv64Cpu), plugin: { use: 'riscv64' } }],
  root: guestRoot(),
};
const options = { name: 'posix', factory: () => new SystemRig(parts), supports: new Set<string>([...FEATURE_GROUPS, 'writable']) };

registerSuite(systemTests, options);
registerMutants(systemTests, options, systemMutants(parts));
