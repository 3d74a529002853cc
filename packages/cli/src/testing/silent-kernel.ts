import { SYSTEM_INTERFACE } from '@ashlar/kernel-stub';
import { kernelStub } from '@ashlar/plugin';
import { IdleKernel } from './idle-kernel.ts';

/** A kernel stub that never answers. */
@kernelStub({
  name: 'silent',
  interface: SYSTEM_INTERFACE,
  traits: { features: ['process', 'signal', 'file', 'descriptor', 'memory', 'time', 'system'] },
})
export class SilentKernel extends IdleKernel {}
