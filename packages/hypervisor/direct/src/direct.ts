import { DomainSet, placeInThread } from '@ashlar/domains';
import type { Machine } from '@ashlar/hardware';
import type { DomainPlan, PayloadLoader } from '@ashlar/hypervisor';
import { Domains, hypervisor, Loader, LowerMachine } from '@ashlar/plugin';

/**
 * Domains in the same thread: no boundary, nothing between a payload and the drivers, whatever the depth. Accounts and time are partitioned; plugin
 * code that spins is not contained.
 */
@hypervisor({
  name: 'direct',
  interface: '1',
  version: '0.1.0',
  summary: 'domains in the same thread: no boundary, fastest, partitioned accounts and time',
  inject: [LowerMachine, Loader, Domains],
  traits: { placement: 'thread', interpose: true },
})
export class DirectHypervisor extends DomainSet {
  constructor(lower: Machine, loader: PayloadLoader, plan: DomainPlan) {
    super({ schema: 'direct/1', lower, place: placeInThread({ lower, loader, flatten: plan.flatten }) });
  }
}
