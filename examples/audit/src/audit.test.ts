import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DomainSet } from '@ashlar/domains';
import type { DeviceSpec, Hardware, HardwareSpec, Machine } from '@ashlar/hardware';
import { SimHardware } from '@ashlar/hardware-sim';
import type { DomainSpec, PayloadRef } from '@ashlar/hypervisor';
import { nested, type ProbeOp, probe } from '@ashlar/hypervisor-conformance';
import { Spec } from '@ashlar/plugin';
import { makePlugin } from 'ashlar/bundled';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord } from './audit.ts';
import { createLoader, makeAudit, makeDirect } from './audit-rig.test-support.ts';

const DEVICES: Readonly<Record<string, DeviceSpec>> = { log: { kind: 'console' }, root: { kind: 'share', layers: [], volumes: [] } };
const WORK: readonly ProbeOp[] = [['fsync', 3], ['clock'], ['entropy', 8], ['write', 'done'], ['wait']];
/** What the probe asks of its machine for that. */
const REQUESTS = ['fsync', 'fsync', 'fsync', 'read', 'fill', 'write'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const spec = (level: number, payload: PayloadRef): DomainSpec => ({
  name: `level-${level}`,
  want: { vcpus: 1, isas: [], pages: 1000 - level, devices: { log: { kind: 'console' }, root: { kind: 'share' } }, virtualTime: true },
  limits: { pages: 1000 - level, weight: 100, capPerMille: 1000 },
  payload,
});

/** A chain of hypervisors, outermost first, around the probe. */
function chain(uses: readonly string[]): DomainSpec {
  return uses.reduceRight<DomainSpec>((inner, use, i) => spec(i + 1, nested(use, [inner])), spec(uses.length + 1, probe(...WORK)));
}

function simulated(): { hardware: Hardware; console: () => string } {
  let written = '';
  const log = (bytes: Uint8Array): void => {
    written += new TextDecoder().decode(bytes);
  };
  const spec: HardwareSpec = { pages: 2000, devices: DEVICES, cpus: [], log };
  return { hardware: makePlugin<Hardware>(SimHardware, {}, new Map([[Spec, spec]])), console: () => written };
}

const file = (): string => join(folder, 'log');
const logged = (): AuditRecord[] =>
  readFileSync(file(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord);
/** Requests of the probe itself: not those by which levels are made. */
const byProbe = (records: readonly AuditRecord[]): string[] =>
  records.map((record) => record.op).filter((op) => !['partition', 'accept', 'offered', 'reset'].includes(op));

async function run(make: (lower: Machine) => DomainSet, domain: DomainSpec): Promise<DomainSet> {
  const { hardware } = simulated();
  const hypervisor = make(hardware.machine);
  (await hypervisor.create(domain)).start();
  await hardware.executor.advance(hypervisor, 10_000);
  return hypervisor;
}

describe('audit', () => {
  it.each([1, 3, 5, 8])('at level %i of a depth-8 chain sees exactly the requests made above it', async (level) => {
    const uses = Array.from({ length: 7 }, (_, i) => (i + 2 === level ? 'audit' : i === 3 ? 'worker' : 'direct'));
    const loader = createLoader({ file: file() });
    const plan = { domains: [], flatten: true };
    const hypervisor = await run(
      (lower) => (level === 1 ? makeAudit(lower, loader, plan, { file: file() }) : makeDirect(lower, loader, plan)),
      chain(uses),
    );
    expect(byProbe(logged())).toEqual(REQUESTS);
    expect(logged().filter((record) => record.op === 'partition').length).toBe(8 - level);
    await hypervisor.dispose();
  });

  it('begins to see the requests of a running domain when it is attached, and none when it is taken away', async () => {
    const { hardware } = simulated();
    const loader = createLoader({ file: file() });
    const hypervisor = makeDirect(hardware.machine, loader, { domains: [], flatten: true });
    const work: readonly ProbeOp[] = [['burn', 10], ['clock'], ['jump', 0]];
    const inner = { ...spec(3, probe(...work)) };
    const domain = await hypervisor.create(spec(1, nested('direct', [spec(2, nested('worker', [inner]))])));
    domain.start();
    await hardware.executor.advance(hypervisor, 120);
    expect(await domain.interpose({ use: 'audit', config: { file: file() } })).toBe(0);
    await hardware.executor.advance(hypervisor, 120);
    const seen = byProbe(logged());
    expect(new Set(seen)).toEqual(new Set(['read']));
    expect(seen.length).toBe(10);
    expect(await domain.interpose(undefined)).toBe(0);
    await hardware.executor.advance(hypervisor, 120);
    expect(byProbe(logged())).toEqual(seen);
    await hypervisor.dispose();
  });

  it('logs sizes and results, to a function or a console of the hypervisor', async () => {
    const lines: string[] = [];
    const loader = createLoader({ file: file() });
    const plan = { domains: [], flatten: true };
    await run(
      (lower) => makeAudit(lower, loader, plan, { log: (line) => lines.push(line) }),
      spec(1, probe(['entropy', 8], ['write', 'hello'], ['wait'])),
    );
    const records = lines.map((line) => JSON.parse(line) as AuditRecord);
    expect(records[0]).toEqual({ port: 'entropy', op: 'fill', args: [8], result: 8 });
    expect(records.at(-1)).toEqual({ port: 'device:log', op: 'write', args: [5], result: 5 });
    const { hardware, console } = simulated();
    const hypervisor = makeAudit(hardware.machine, loader, plan, { console: 'log', ports: ['entropy'] });
    (await hypervisor.create(spec(1, probe(['entropy', 8], ['write', 'hello'], ['wait'])))).start();
    await hardware.executor.advance(hypervisor, 100);
    expect(console()).toBe('{"port":"entropy","op":"fill","args":[8],"result":8}\nhello');
  });

  it('holds one domain, and refuses to go behind a thread without a way to be loaded there', async () => {
    const { hardware } = simulated();
    const loader = createLoader({ file: file() });
    const hypervisor = makeAudit(hardware.machine, loader, { domains: [], flatten: true }, { log: () => undefined });
    await expect(hypervisor.create(spec(1, nested('worker', [spec(2, probe(['wait']))])))).rejects.toThrow('cannot go behind a thread');
    await hypervisor.create(spec(1, probe(['wait'])));
    await expect(hypervisor.create({ ...spec(1, probe(['wait'])), name: 'second' })).rejects.toThrow('holds at most 1');
    expect(hardware.machine.memory.usedPages).toBe(999);
  });
});
