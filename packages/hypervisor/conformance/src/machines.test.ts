import { registerSuite } from '@ashlar/conformance';
import { DomainClock, DomainMachine } from '@ashlar/domains';
import type { Hardware, Machine } from '@ashlar/hardware';
import { machineTests } from '@ashlar/hardware-conformance';
import { SimHardware } from '@ashlar/hardware-sim';
import { createPair, openPartition } from '@ashlar/hypercall';
import { Spec } from '@ashlar/plugin';
import { makePlugin } from 'ashlar/bundled';

/** A hypervisor offers what hardware offers: its domains' machines keep the same clauses. */
const kinds: readonly [string, (lower: Machine, level: number) => Machine][] = [
  ['partition in the same thread', (lower, level) => part(lower, level).open()],
  ['partition over frames', (lower, level) => remote(lower, level)],
  ['domain of a hypervisor', (lower, level) => domain(part(lower, level).open())],
];

function part(lower: Machine, level: number) {
  const pages = 20_000 - level * 1000;
  const made = lower.partition({ ...lower.shape, pages }, { pages, weight: 100, capPerMille: 1000 });
  if ('refused' in made) throw new Error(`refused: ${made.missing}`);
  return made;
}

function remote(lower: Machine, level: number): Machine {
  const partition = part(lower, level);
  const { client, server } = createPair();
  partition.serve(server);
  return openPartition(partition.manifest, client, { cpus: [], events: lower.events });
}

const domain = (machine: Machine): Machine => new DomainMachine(machine, new DomainClock(machine.clock, { sec: 0, nsec: 0 }));

function simulated(): Machine {
  const spec = { pages: 30_000, devices: { console: { kind: 'console' } }, cpus: [], log: () => undefined } as const;
  return makePlugin<Hardware>(SimHardware, { seed: 3 }, new Map([[Spec, spec]])).machine;
}

for (const [name, make] of kinds) {
  for (const depth of [1, 4]) {
    const machine = (): Machine => Array.from({ length: depth }).reduce<Machine>((lower, _, level) => make(lower, level), simulated());
    registerSuite(machineTests, {
      name: `${name}, ${depth} deep`,
      factory: () => ({ machine: machine(), again: machine }),
      supports: new Set(['virtualTime']),
    });
  }
}
