import type { DeviceSpec } from '@ashlar/hardware';
import { SimConfig, SimHardware } from '@ashlar/hardware-sim';
import { DirectHypervisor } from '@ashlar/hypervisor-direct';
import { WorkerHypervisor } from '@ashlar/hypervisor-worker';
import { type HypervisorUnderTest, MACHINE_PAGES } from './index.ts';
import { createLoader } from './thread-loader.test-support.ts';

const DEVICES: Readonly<Record<string, DeviceSpec>> = { log: { kind: 'console' }, root: { kind: 'share', layers: [], volumes: [] } };

function hardware(): ReturnType<HypervisorUnderTest['hardware']> {
  let written = '';
  const log = (bytes: Uint8Array): void => {
    written += new TextDecoder().decode(bytes);
  };
  const spec = { pages: MACHINE_PAGES, devices: DEVICES, cpus: [], log };
  return { hardware: new SimHardware(spec, SimConfig.parse({ seed: 7 })), output: () => written };
}

/** The built-in hypervisors, as the suite runs on them. */
export const direct: HypervisorUnderTest = {
  hardware,
  loader: createLoader(),
  use: 'direct',
  make: (lower, loader, flatten) => new DirectHypervisor(lower, loader, { domains: [], flatten }),
};
export const worker: HypervisorUnderTest = {
  ...direct,
  use: 'worker',
  make: (lower, loader, flatten) => new WorkerHypervisor(lower, loader, { domains: [], flatten }),
};
