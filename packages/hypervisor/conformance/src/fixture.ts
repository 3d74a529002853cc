import type { Hardware, Limits, Payload, Shape } from '@ashlar/hardware';
import type { DomainSpec, Hypervisor, PayloadLoader, PayloadRef } from '@ashlar/hypervisor';
import { type Controls, LocalControls, NestedControls, PATIENCE_MS } from './controls.ts';
import type { ProbeOp, ProbeReport } from './probe.ts';
import { nested, probe } from './probe-loader.ts';

/** Pages of the machine that a suite runs on, and of each domain unless a test says otherwise. */
export const MACHINE_PAGES = 10_000;
export const DOMAIN_PAGES = 1000;

/** What the suite of hypervisors is run on; given by whoever wrote one. */
export interface HypervisorUnderTest {
  /** Virtual-time hardware with console `log` and share `root`, {@link MACHINE_PAGES} pages, always the same seed. */
  hardware(): { readonly hardware: Hardware; readonly output: () => string };
  readonly loader: PayloadLoader;
  /** The name by which `loader` knows the hypervisor under test. */
  readonly use: string;
  make(lower: Hardware['machine'], loader: PayloadLoader, flatten: boolean): Hypervisor;
  /** Names of the hypervisors around it, outermost first; with their own control service. */
  readonly around?: readonly string[];
  readonly flatten?: boolean;
  /** Save what is around it and restore that before the suite begins. */
  readonly restored?: boolean;
  /** Steps after which something that is waited for counts as never coming; default: it is waited for without end. */
  readonly stepsMax?: number;
}

/** One machine with the hypervisor under test on it, perhaps inside others. */
export class HypervisorFixture {
  readonly under: HypervisorUnderTest;
  readonly hardware: Hardware;
  readonly output: () => string;
  /** The outermost payload: what is stepped. */
  readonly payload: Hypervisor;
  readonly controls: Controls;

  private constructor(parts: Pick<HypervisorFixture, 'under' | 'hardware' | 'output' | 'payload' | 'controls'>) {
    this.under = parts.under;
    this.hardware = parts.hardware;
    this.output = parts.output;
    this.payload = parts.payload;
    this.controls = parts.controls;
  }

  static async open(under: HypervisorUnderTest): Promise<HypervisorFixture> {
    const { hardware, output } = under.hardware();
    const chain = [...(under.around ?? []), under.use];
    const flatten = under.flatten ?? true;
    const first = chain[0] as string;
    const payload = await loadHypervisor(under, hardware, first, flatten);
    let controls: Controls = new LocalControls(payload);
    if (chain.length > 1) {
      const spec = chain.slice(1).reduceRight<PayloadRef | undefined>((inner, use, i) => {
        const domains = inner === undefined ? [] : [specOf(`around-${i + 2}`, inner, { pages: MACHINE_PAGES - 100 * (i + 2) })];
        return nested(use, domains, flatten);
      }, undefined) as PayloadRef;
      const outer = specOf('around-1', spec, { pages: MACHINE_PAGES - 100 });
      await controls.create(outer);
      await controls.start('around-1');
      if (under.restored === true) await restoreInPlace(controls, outer);
      const path = chain.slice(1).map((_, i) => `around-${i + 1}`);
      controls = new NestedControls(controls, path.join('/'));
    }
    return new HypervisorFixture({ under, hardware, output, payload, controls });
  }

  /** The same again on fresh hardware. */
  again(change: Partial<HypervisorUnderTest> = {}): Promise<HypervisorFixture> {
    return HypervisorFixture.open({ ...this.under, ...change });
  }

  spec(name: string, payload: PayloadRef, limits: Partial<Limits> = {}): DomainSpec {
    return specOf(name, payload, limits);
  }

  /** A domain with a probe, started. */
  async probe(name: string, program: readonly ProbeOp[], limits: Partial<Limits> = {}): Promise<void> {
    await this.controls.create(this.spec(name, probe(...program), limits));
    await this.controls.start(name);
  }

  /** A probe in `depth` hypervisors under test, each inside the one before; the path to it. */
  async deep(depth: number, program: readonly ProbeOp[], flatten: boolean): Promise<string> {
    let ref = probe(...program);
    for (let level = depth; level > 1; level--)
      ref = nested(this.under.use, [this.spec(`deep-${level}`, ref, { pages: DOMAIN_PAGES - level })], flatten);
    await this.controls.create(this.spec('deep-1', ref));
    await this.controls.start('deep-1');
    return Array.from({ length: depth }, (_, i) => `deep-${i + 1}`).join('/');
  }

  /** Retires so many instructions, fewer if all is idle. */
  advance(instructions: number): Promise<number> {
    return this.hardware.executor.advance(this.payload, instructions);
  }

  /** Steps until `work` settles. */
  async stepUntil<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    const { stepsMax = Number.POSITIVE_INFINITY } = this.under;
    for (let steps = 0; !settled; steps++) {
      if (steps >= stepsMax) throw new Error(`what was waited for did not come within ${stepsMax} steps`);
      await this.advance(1);
    }
    return done;
  }

  report(path: string): Promise<ProbeReport> {
    return this.stepUntil(askReport(this.controls, path));
  }

  async close(): Promise<void> {
    const { payload } = this;
    if ('dispose' in payload && typeof payload.dispose === 'function') await payload.dispose();
    await this.hardware.close();
  }
}

/** Ends the domain and makes it again of what was saved. */
async function restoreInPlace(controls: Controls, spec: DomainSpec): Promise<void> {
  const from = await controls.save(spec.name, PATIENCE_MS);
  await controls.destroy(spec.name);
  await controls.create({ ...spec, from });
  await controls.start(spec.name);
}

async function loadHypervisor(under: HypervisorUnderTest, hardware: Hardware, use: string, flatten: boolean): Promise<Hypervisor> {
  if (use === under.use) return under.make(hardware.machine, under.loader, flatten);
  return (await under.loader.payload(nested(use, [], flatten), hardware.machine, undefined)) as Payload as Hypervisor;
}

function specOf(name: string, payload: PayloadRef, limits: Partial<Limits> = {}): DomainSpec {
  const want: Shape = {
    vcpus: 1,
    isas: [],
    pages: MACHINE_PAGES,
    devices: { log: { kind: 'console' }, root: { kind: 'share' } },
    virtualTime: true,
  };
  return { name, want, limits: { pages: DOMAIN_PAGES, weight: 100, capPerMille: 1000, ...limits }, payload };
}

function askReport(controls: Controls, path: string): Promise<ProbeReport> {
  const channel = controls.connect(`${path}/report`);
  return new Promise((resolve, reject) => {
    channel.receive(
      (frame) => {
        resolve(JSON.parse(new TextDecoder().decode(frame)) as ProbeReport);
        channel.close(0);
      },
      () => undefined,
      (errno) => reject(new Error(`the channel to ${path} ended with ${errno}`)),
    );
    channel.send(new Uint8Array(1));
  });
}

/** What a probe reports that runs on the machine itself, without any hypervisor. */
export async function bareReport(
  under: HypervisorUnderTest,
  program: readonly ProbeOp[],
  instructions: number,
): Promise<{ readonly report: ProbeReport; readonly output: string }> {
  const { hardware, output } = under.hardware();
  const payload = await under.loader.payload(probe(...program), hardware.machine, undefined);
  await hardware.executor.advance(payload, instructions);
  let report: ProbeReport | undefined;
  payload.serve('report', {
    send: (frame) => {
      report = JSON.parse(new TextDecoder().decode(frame)) as ProbeReport;
      return true;
    },
    receive: (onFrame) => onFrame(new Uint8Array(1)),
    close: () => undefined,
  });
  while (report === undefined) await hardware.executor.advance(payload, 1);
  await hardware.close();
  return { report, output: output() };
}
