import type { DeviceSpec, Hardware } from '@ashlar/hardware';
import { SimHardware } from '@ashlar/hardware-sim';
import { Spec } from '@ashlar/plugin';
import { makePlugin } from 'ashlar/bundled';
import { makeDirect, makeWorker } from './built-in.test-support.ts';
import { type HypervisorUnderTest, MACHINE_PAGES } from './index.ts';
import { createLoader } from './thread-loader.test-support.ts';

const DEVICES: Readonly<Record<string, DeviceSpec>> = { log: { kind: 'console' }, root: { kind: 'share', layers: [], volumes: [] } };

function hardware(): ReturnType<HypervisorUnderTest['hardware']> {
  let written = '';
  const log = (bytes: Uint8Array): void => {
    written += new TextDecoder().decode(bytes);
  };
  const spec = { pages: MACHINE_PAGES, devices: DEVICES, cpus: [], log };
  return { hardware: makePlugin<Hardware>(SimHardware, { seed: 7 }, new Map([[Spec, spec]])), output: () => written };
}

/** The built-in hypervisors, as the suite runs on them. */
export const direct: HypervisorUnderTest = {
  hardware,
  loader: createLoader(),
  use: 'direct',
  make: (lower, loader, flatten) => makeDirect(lower, loader, { domains: [], flatten }),
};
export const worker: HypervisorUnderTest = {
  ...direct,
  use: 'worker',
  make: (lower, loader, flatten) => makeWorker(lower, loader, { domains: [], flatten }),
};
