import { DirectHypervisor } from '@ashlar/hypervisor-direct';
import { WorkerHypervisor } from '@ashlar/hypervisor-worker';
import { ProbeLoader } from './probe-loader.ts';

/** What threads of these tests load, and no more: each of them imports this again. */
export function createLoader(): ProbeLoader {
  return new ProbeLoader({
    module: new URL('../dist/thread-loader.test-support.js', import.meta.url).href,
    hypervisors: {
      direct: (lower, loader, plan) => new DirectHypervisor(lower, loader, plan),
      worker: (lower, loader, plan) => new WorkerHypervisor(lower, loader, plan),
    },
  });
}
