import { registerMutants, registerSuite } from '@ashlar/conformance';
import { Riscv64Cpu } from '@ashlar/cpu-riscv64';
import { Wasm32Cpu } from '@ashlar/cpu-wasm32';
import type { Cpu } from '@ashlar/hardware';
import { PosixKernel } from '@ashlar/kernel-posix';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { guestRoot, SystemRig } from '@ashlar/kernel-stub-conformance';
import { LowerMachine, type PluginClass } from '@ashlar/plugin';
import { LinuxPersonality } from '@ashlar/userspace-linux';
import { WasiPersonality } from '@ashlar/userspace-wasi';
import { makePlugin } from 'ashlar';
import { type PersonalityFixture, type PersonalityGuests, personalityMutants, personalityTests } from './personality.ts';

function fixtureOf(plugin: PluginClass<Personality>, cpu: PluginClass<Cpu>, guests: PersonalityGuests): PersonalityFixture {
  const personality = makePlugin<Personality>(plugin);
  const rig = (programs: Readonly<Record<string, Uint8Array>> = {}): SystemRig =>
    new SystemRig({
      kernel: (machine) => makePlugin<KernelStub>(PosixKernel, {}, new Map([[LowerMachine, machine]])),
      personalities: () => [personality],
      cpus: [{ cpu: makePlugin<Cpu>(cpu), plugin: { use: personality.isa } }],
      root: { ...guestRoot(), damaged: { ...programs } },
    });
  return { personality, guests, rig };
}

const linux = {
  name: 'linux',
  factory: () =>
    fixtureOf(LinuxPersonality, Riscv64Cpu, {
      arguments: 'args',
      badPointers: 'bad-pointers',
      unknownCalls: 'unknown-calls',
      exits: ['end-exit', 'end-exit-wraps', 'end-return'],
      faults: ['end-segv', 'end-illegal', 'end-break'],
    }),
  supports: new Set(['bad pointers', 'unknown calls']),
};
const wasi = {
  name: 'wasi',
  factory: () =>
    fixtureOf(WasiPersonality, Wasm32Cpu, {
      arguments: 'wasi-args',
      exits: ['wasi-exit', 'wasi-return'],
      faults: ['wasi-unreachable', 'wasi-out-of-bounds'],
    }),
  supports: new Set<string>(),
};

for (const options of [linux, wasi]) {
  registerSuite(personalityTests, options);
  registerMutants(personalityTests, options, personalityMutants);
}
