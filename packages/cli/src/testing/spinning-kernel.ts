import type { Step } from '@ashlar/hardware';
import { SYSTEM_INTERFACE } from '@ashlar/kernel-stub';
import { kernelStub } from '@ashlar/plugin';
import { IdleKernel } from './idle-kernel.ts';

/** A kernel stub that never comes back from its first step. */
@kernelStub({
  name: 'spinning',
  interface: SYSTEM_INTERFACE,
  traits: { features: ['process', 'signal', 'file', 'descriptor', 'memory', 'time', 'system'] },
})
export class SpinningKernel extends IdleKernel {
  override step(): Step {
    for (;;);
  }
}
