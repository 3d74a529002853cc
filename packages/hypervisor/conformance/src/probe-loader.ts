import type { Console, Cpu, Device, Machine, PartReader, Payload, Plain, PluginRef } from '@ashlar/hardware';
import type { DomainPlan, DomainSpec, Hypervisor, Interposer, PayloadLoader, PayloadRef } from '@ashlar/hypervisor';
import { Probe, type ProbeOp, probeProgram } from './probe.ts';

/** Makes a hypervisor: what a container does in a stack. */
export type MakeHypervisor = (lower: Machine, loader: PayloadLoader, plan: DomainPlan) => Hypervisor | Promise<Hypervisor>;

export interface ProbeLoaderParts {
  /** URL of the module whose `createLoader(seed)` makes the same loader in another thread. */
  readonly module: string;
  readonly seed?: Plain;
  readonly hypervisors: Readonly<Record<string, MakeHypervisor>>;
  readonly interposers?: Readonly<Record<string, (config: Plain | undefined) => Interposer>>;
}

/** A loader of probes and of hypervisors under test: no images, no kernels. */
export class ProbeLoader implements PayloadLoader {
  readonly module: string;
  readonly seed: Plain;
  readonly #parts: ProbeLoaderParts;

  constructor(parts: ProbeLoaderParts) {
    this.module = parts.module;
    this.seed = parts.seed ?? null;
    this.#parts = parts;
  }

  async payload(ref: PayloadRef, machine: Machine, from: PartReader | undefined): Promise<Payload> {
    const payload = ref.kind === 'system' ? new Probe(machine, probeProgram(ref.kernel.config)) : await this.#hypervisor(ref, machine);
    const reply = from === undefined ? 0 : payload.restore(from);
    if (reply !== 0) throw new Error(`not restored: ${JSON.stringify(reply)}`);
    return payload;
  }

  /** `stamp` is always there: a layer that writes `!` before everything that goes to a console. */
  async interposer(ref: PluginRef): Promise<Interposer> {
    if (ref.use === 'stamp') return { wrap: stamped };
    const make = this.#parts.interposers?.[ref.use];
    if (make === undefined) throw new Error(`no interposer is called ${ref.use}`);
    return make(ref.config);
  }

  async cpu(ref: PluginRef): Promise<Cpu> {
    throw new Error(`probes need no CPU, and ${ref.use} was asked for`);
  }

  immobile(): string | undefined {
    return undefined;
  }

  async #hypervisor(ref: PayloadRef & { readonly kind: 'hypervisor' }, machine: Machine): Promise<Hypervisor> {
    const make = this.#parts.hypervisors[ref.hypervisor.use];
    if (make === undefined) throw new Error(`no hypervisor is called ${ref.hypervisor.use}`);
    const hypervisor = await make(machine, this, { domains: ref.domains, flatten: ref.flatten ?? true });
    for (const spec of ref.domains) await hypervisor.create(spec);
    return hypervisor;
  }
}

const EXCLAMATION = new Uint8Array([33]);

function stamped(lower: Machine): Machine {
  const devices = new Map<string, Device | undefined>();
  const device = (name: string): Device | undefined => {
    if (!devices.has(name)) devices.set(name, stampedDevice(lower.device(name)));
    return devices.get(name);
  };
  return withMethod(lower, 'device', device);
}

function stampedDevice(device: Device | undefined): Device | undefined {
  if (device?.kind !== 'console') return device;
  const console = device as Console;
  return withMethod(console, 'write', (from: Uint8Array) => {
    console.write(EXCLAMATION);
    return console.write(from);
  });
}

/** The same object with one method replaced. */
function withMethod<T extends object, K extends keyof T>(target: T, key: K, method: T[K]): T {
  return new Proxy(target, {
    get: (inner, property) => {
      if (property === key) return method;
      const value: unknown = Reflect.get(inner, property, inner);
      return typeof value === 'function' ? value.bind(inner) : value;
    },
  });
}

/** A reference to a probe with this program. */
export function probe(...program: readonly ProbeOp[]): PayloadRef {
  return { kind: 'system', kernel: { use: 'probe', config: program as unknown as Plain }, userspace: [] };
}

/** A hypervisor with one domain of each spec. */
export function nested(use: string, domains: readonly DomainSpec[], flatten = true): PayloadRef {
  return { kind: 'hypervisor', hypervisor: { use }, flatten, domains };
}
