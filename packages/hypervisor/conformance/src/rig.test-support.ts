import type { DomainSet } from '@ashlar/domains';
import type { DeviceSpec, Hardware, Limits, Payload, Shape } from '@ashlar/hardware';
import { HostHardware } from '@ashlar/hardware-host';
import { SimHardware } from '@ashlar/hardware-sim';
import type { Domain, DomainPlan, DomainSpec, PayloadRef } from '@ashlar/hypervisor';
import { Spec } from '@ashlar/plugin';
import { makePlugin } from 'ashlar/bundled';
import { makeDirect, makeWorker } from './built-in.test-support.ts';
import type { ProbeLoader, ProbeReport } from './index.ts';
import { createLoader } from './thread-loader.test-support.ts';

const DEVICES: Readonly<Record<string, DeviceSpec>> = {
  log: { kind: 'console' },
  root: { kind: 'share', layers: [], volumes: [] },
};

export const WANT: Omit<Shape, 'virtualTime'> = {
  vcpus: 1,
  isas: [],
  pages: 10_000,
  devices: { log: { kind: 'console' }, root: { kind: 'share' } },
};
export const LIMITS: Limits = { pages: 1000, weight: 100, capPerMille: 1000 };

export interface Rig {
  readonly hardware: Hardware;
  readonly loader: ProbeLoader;
  /** What was written to the console. */
  readonly output: () => string;
  spec(name: string, payload: PayloadRef, limits?: Partial<Limits>): DomainSpec;
  /** A payload on the machine itself: a hypervisor under test. */
  hypervisor(use: 'direct' | 'worker', plan?: Partial<DomainPlan>): DomainSet;
}

/** Hardware, and a loader of probes. `sim`: time moves with instructions. */
export function rig(kind: 'sim' | 'host', seed = 1): Rig {
  let written = '';
  const spec = {
    pages: 10_000,
    devices: DEVICES,
    cpus: [],
    log: (bytes: Uint8Array) => {
      written += new TextDecoder().decode(bytes);
    },
  };
  const bindings = new Map([[Spec, spec]]);
  const hardware =
    kind === 'sim' ? makePlugin<Hardware>(SimHardware, { seed }, bindings) : makePlugin<Hardware>(HostHardware, {}, bindings);
  const loader = createLoader();
  return {
    hardware,
    loader,
    output: () => written,
    spec: (name, payload, limits = {}) => ({
      name,
      want: { ...WANT, virtualTime: kind === 'sim' },
      limits: { ...LIMITS, ...limits },
      payload,
    }),
    hypervisor: (use, plan = {}) => {
      const full: DomainPlan = { domains: [], flatten: true, ...plan };
      return (use === 'direct' ? makeDirect : makeWorker)(hardware.machine, loader, full);
    },
  };
}

/** What a probe reports; needs steps to come, by `advance` or an executor. */
export function report(domain: Domain, path = ''): Promise<ProbeReport> {
  const channel = domain.connect(`${path}report`);
  return new Promise((resolve, reject) => {
    channel.receive(
      (frame) => resolve(JSON.parse(new TextDecoder().decode(frame)) as ProbeReport),
      () => undefined,
      (errno) => reject(new Error(`the channel ended: ${errno}`)),
    );
    channel.send(new Uint8Array(1));
  });
}

/** Retires so many instructions, then asks for the report; a question to another thread takes a while, so it steps on until it is answered. */
export async function reportAfter(
  hardware: Hardware,
  payload: Payload,
  instructions: number,
  domain: Domain,
  path = '',
): Promise<ProbeReport> {
  await hardware.executor.advance(payload, instructions);
  let answer: ProbeReport | undefined;
  const asked = report(domain, path).then((value) => {
    answer = value;
  });
  while (answer === undefined) await hardware.executor.advance(payload, 1);
  await asked;
  return answer;
}
