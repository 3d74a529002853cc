import { ControlClient } from '@ashlar/domains';
import { Errno } from '@ashlar/hardware';
import { createPair } from '@ashlar/hypercall';
import type { DomainRefused, DomainStop, DomainUsage, Hypervisor } from '@ashlar/hypervisor';
import type { LeafPlan, StackPlan } from './plan.ts';

/** What one domain used, and where it stands. */
export interface LevelUsage extends DomainUsage {
  /** Names of the domains from the outermost to this one. */
  readonly route: readonly string[];
  /** The hypervisor that holds it. */
  readonly hypervisor: string;
}

/** How a domain of a chain ended. */
export interface LevelStop extends DomainStop {
  readonly route: readonly string[];
}

/**
 * The domains of a stack at every level: those of the outermost hypervisor itself, and those of hypervisors in it over their `control` service. With an
 * empty chain there are none.
 */
export class Levels {
  private readonly controls = new Map<string, ControlClient>();

  constructor(
    private readonly plan: StackPlan,
    private readonly root: Partial<Hypervisor>,
  ) {}

  /** Each level of each chain once, from the outermost in; domains that are no more are left out. */
  async usage(): Promise<readonly LevelUsage[]> {
    const found = new Map<string, LevelUsage>();
    for (const { route, chain } of this.plan.leaves) {
      for (const [depth, name] of route.entries()) {
        const at = route.slice(0, depth + 1);
        if (found.has(at.join('/'))) continue;
        const usage = await this.usageOf(route.slice(0, depth), name);
        if (usage !== undefined) found.set(at.join('/'), { ...usage, route: at, hypervisor: chain[depth]?.use ?? '' });
      }
    }
    return [...found.values()];
  }

  /** Settles when the first domain on the way to this leaf ended. */
  stopped({ route }: LeafPlan): Promise<LevelStop> {
    return new Promise((resolve) => {
      for (const [depth, name] of route.entries()) {
        const at = route.slice(0, depth + 1);
        const end = depth === 0 ? this.root.domains?.get(name)?.stopped : this.control(route.slice(0, depth))?.stopped(name);
        end?.then(
          (stop) => resolve({ ...stop, route: at }),
          (error: unknown) => {
            // A control channel ends with the domain that it leads into; that one's own end is the news.
            if ((error as Partial<DomainRefused>).errno === Errno.ENOENT)
              resolve({ reason: 'lost', message: 'it is not there', route: at });
          },
        );
      }
    });
  }

  close(): void {
    for (const control of this.controls.values()) control.close();
    this.controls.clear();
  }

  private async usageOf(holder: readonly string[], name: string): Promise<DomainUsage | undefined> {
    if (holder.length === 0) return this.root.domains?.get(name)?.usage();
    return this.control(holder)
      ?.usage(name)
      .catch(() => undefined);
  }

  /** Control over the hypervisor in a domain; opened once. */
  private control(holder: readonly string[]): ControlClient | undefined {
    const service = [...holder, 'control'].join('/');
    const open = this.controls.get(service);
    if (open !== undefined) return open;
    const { client: near, server: far } = createPair();
    if (this.root.serve === undefined || this.root.serve(service, far) < 0) return undefined;
    const control = new ControlClient(near);
    this.controls.set(service, control);
    return control;
  }
}
