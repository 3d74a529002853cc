import type { DomainSet } from '@ashlar/domains';
import type { Machine } from '@ashlar/hardware';
import type { DomainPlan, PayloadLoader } from '@ashlar/hypervisor';
import { DirectHypervisor } from '@ashlar/hypervisor-direct';
import { WorkerHypervisor } from '@ashlar/hypervisor-worker';
import { makePlugin } from 'ashlar/bundled';
import { hypervisorBindings } from './bindings.ts';

/** The built-in hypervisors, each in a container of its own. */
export const makeDirect = (lower: Machine, loader: PayloadLoader, plan: DomainPlan): DomainSet =>
  makePlugin<DomainSet>(DirectHypervisor, {}, hypervisorBindings(lower, loader, plan));
export const makeWorker = (lower: Machine, loader: PayloadLoader, plan: DomainPlan): DomainSet =>
  makePlugin<DomainSet>(WorkerHypervisor, {}, hypervisorBindings(lower, loader, plan));
