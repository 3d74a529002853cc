import { DomainSet, placeInThread, wrapMachine } from '@ashlar/domains';
import type { Machine } from '@ashlar/hardware';
import type { DomainPlan, PayloadLoader } from '@ashlar/hypervisor';
import { Domains, hypervisor, Loader, LowerMachine } from '@ashlar/plugin';

/** How often each request was made, by port and name. */
export const requests = new Map<string, number>();

/** One domain in this thread, and a count of every request that it, and all within it, make. */
@hypervisor({
  name: 'meter',
  interface: '1',
  summary: 'counts the requests of what runs above it',
  inject: [LowerMachine, Loader, Domains],
  traits: { placement: 'thread', interpose: true },
})
export class MeterHypervisor extends DomainSet {
  constructor(lower: Machine, loader: PayloadLoader, plan: DomainPlan) {
    const count = (port: string, op: string): void => {
      const request = `${port} ${op}`;
      requests.set(request, (requests.get(request) ?? 0) + 1);
    };
    super({
      schema: 'meter/1',
      lower,
      place: placeInThread({ lower, loader, flatten: plan.flatten }),
      tap: { interposer: { wrap: (machine) => wrapMachine(machine, count) }, ref: undefined },
      domainsMax: 1,
    });
  }
}
