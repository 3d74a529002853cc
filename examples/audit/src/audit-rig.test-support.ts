import type { DomainSet } from '@ashlar/domains';
import type { Machine } from '@ashlar/hardware';
import type { DomainPlan, Hypervisor, Interposer, PayloadLoader } from '@ashlar/hypervisor';
import { hypervisorBindings, ProbeLoader } from '@ashlar/hypervisor-conformance';
import { DirectHypervisor } from '@ashlar/hypervisor-direct';
import { WorkerHypervisor } from '@ashlar/hypervisor-worker';
import { makePlugin } from 'ashlar/bundled';
import { type AuditConfig, AuditHypervisor, AuditInterposer } from './audit.ts';

export const makeDirect = (lower: Machine, loader: PayloadLoader, plan: DomainPlan): DomainSet =>
  makePlugin<DomainSet>(DirectHypervisor, {}, hypervisorBindings(lower, loader, plan));
export const makeAudit = (lower: Machine, loader: PayloadLoader, plan: DomainPlan, config: AuditConfig): DomainSet =>
  makePlugin<DomainSet>(AuditHypervisor, config, hypervisorBindings(lower, loader, plan));

/** Also called in the threads of the test. */
export function createLoader(seed: unknown): PayloadLoader {
  const file = (seed as { file: string }).file;
  const audit = (config: unknown): Interposer => makePlugin<Interposer>(AuditInterposer, config ?? { file });
  return new ProbeLoader({
    module: new URL('../dist/audit-rig.test-support.js', import.meta.url).href,
    seed: { file },
    hypervisors: {
      direct: makeDirect,
      worker: (lower, loader, plan) => makePlugin<Hypervisor>(WorkerHypervisor, {}, hypervisorBindings(lower, loader, plan)),
      audit: (lower, loader, plan) => makeAudit(lower, loader, plan, { file }),
    },
    // Threads find the layer by the URL of its module, as a registry of plugins would.
    interposers: new Proxy({}, { get: (_target, use) => (String(use).includes('audit') ? audit : undefined) }),
  });
}
