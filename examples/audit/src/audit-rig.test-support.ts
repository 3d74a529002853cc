import type { Hypervisor, PayloadLoader } from '@ashlar/hypervisor';
import { type MakeHypervisor, ProbeLoader } from '@ashlar/hypervisor-conformance';
import { DirectHypervisor } from '@ashlar/hypervisor-direct';
import { WorkerHypervisor } from '@ashlar/hypervisor-worker';
import { AuditConfig, AuditHypervisor, AuditInterposer } from './audit.ts';

/** Also called in the threads of the test. */
export function createLoader(seed: unknown): PayloadLoader {
  const file = (seed as { file: string }).file;
  const audit = (config: unknown): AuditInterposer => new AuditInterposer(AuditConfig.parse(config ?? { file }));
  return new ProbeLoader({
    module: new URL('../dist/audit-rig.test-support.js', import.meta.url).href,
    seed: { file },
    hypervisors: {
      direct: (lower, loader, plan) => new DirectHypervisor(lower, loader, plan),
      worker: (lower, loader, plan) => new WorkerHypervisor(lower, loader, plan),
      audit: ((lower, loader, plan): Hypervisor => new AuditHypervisor(lower, loader, plan, { file })) satisfies MakeHypervisor,
    },
    // Threads find the layer by the URL of its module, as a registry of plugins would.
    interposers: new Proxy({}, { get: (_target, use) => (String(use).includes('audit') ? audit : undefined) }),
  });
}
