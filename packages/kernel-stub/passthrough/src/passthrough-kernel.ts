import type { Machine } from '@ashlar/hardware';
import { FEATURE_GROUPS } from '@ashlar/kernel-stub';
import { kernelStub, LowerMachine } from '@ashlar/plugin';
import { ShareFilesystem, StandardDevice, standardTree, UnixKernel } from '@ashlar/unix';

/** The share that holds the root file system. */
const ROOT_SHARE = 'root';

/**
 * The thinnest of the Unix-like kernels: each step of a path and each file operation is a request to the `share` device, each socket operation one
 * to the `socket` device. It keeps nothing of either: what a guest sees is what the device says at that moment.
 */
@kernelStub({
  name: 'passthrough',
  interface: '1',
  version: '0.1.0',
  summary: 'files and sockets passed to devices one to one, nothing cached',
  inject: [LowerMachine],
  traits: { features: FEATURE_GROUPS },
})
export class PassthroughKernel extends UnixKernel {
  override readonly schema = 'passthrough/1';

  constructor(machine: Machine) {
    super(machine, (host) => standardTree(host, new ShareFilesystem(host, ROOT_SHARE, StandardDevice.ROOT)));
  }
}
