import type { Step } from '@ashlar/hardware';
import { SYSTEM_INTERFACE } from '@ashlar/kernel-stub';
import { kernelStub } from '@ashlar/plugin';
import { IdleKernel } from './idle-kernel.ts';

/** A kernel stub that throws in its first step, as one with a bug would. */
@kernelStub({
  name: 'throwing',
  interface: SYSTEM_INTERFACE,
  traits: { features: ['process', 'signal', 'file', 'descriptor', 'memory', 'time', 'system'] },
})
export class ThrowingKernel extends IdleKernel {
  override step(): Step {
    throw new Error('the stub has a bug');
  }
}
