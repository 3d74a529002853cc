import type { Cpu, Hardware } from '@ashlar/hardware';
import type { Hypervisor, Interposer } from '@ashlar/hypervisor';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { describe, type PluginClass, type PluginManifest, type Tier } from './manifest.ts';

/** What a tier decorator takes: the manifest without its tier. */
export type PluginOptions = Omit<PluginManifest, 'tier' | 'inject'> & { readonly inject?: readonly symbol[] };

const tierDecorator =
  <T>(tier: Tier) =>
  (options: PluginOptions) =>
  (target: PluginClass<T>): void =>
    describe(target, { inject: [], ...options, tier });

/** A plugin of the hardware tier; injects `Spec` and `Config`. */
export const hardware = tierDecorator<Hardware>('hardware');
/** A CPU; injects `Codes` and `Config`. Traits: those of {@link Cpu}, and `isa`. */
export const cpu = tierDecorator<Cpu>('cpu');
/** A hypervisor; injects `LowerMachine`, `Loader`, `Domains` and `Config`. */
export const hypervisor = tierDecorator<Hypervisor>('hypervisor');
/** A layer that can be put between a domain and its machine; injects `Config`. */
export const interposer = tierDecorator<Interposer>('interposer');
/** A kernel stub; injects `LowerMachine` and `Config`. Traits: `features`. */
export const kernelStub = tierDecorator<KernelStub>('kernel');
/** A personality; injects `Config`. Traits: `abi`, `isa`, `needs`. */
export const userspace = tierDecorator<Personality>('userspace');
