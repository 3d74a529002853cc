import type { Machine } from '@ashlar/hardware';
import type { DomainPlan, PayloadLoader } from '@ashlar/hypervisor';
import { Domains, Loader, LowerMachine } from '@ashlar/plugin';

/** What a hypervisor's container is given: the level it stands on. */
export function hypervisorBindings(lower: Machine, loader: PayloadLoader, plan: DomainPlan): ReadonlyMap<symbol, unknown> {
  return new Map<symbol, unknown>([
    [LowerMachine, lower],
    [Loader, loader],
    [Domains, plan],
  ]);
}
