import { registerMutants, registerSuite } from '@ashlar/conformance';
import type { Hardware, HardwareSpec, Machine } from '@ashlar/hardware';
import { type MachineFixture, machineMutants, machineTests } from '@ashlar/hardware-conformance';
import { Spec } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { SimHardware } from './sim-hardware.ts';

const spec: HardwareSpec = { pages: 65_536, devices: { console: { kind: 'console' } }, cpus: [], log: () => undefined };
const machine = (): Machine => makePlugin<Hardware>(SimHardware, {}, new Map([[Spec, spec]])).machine;
const options = {
  name: 'sim',
  factory: (): MachineFixture => ({ machine: machine(), again: machine }),
  supports: new Set<string>(['virtualTime']),
};

registerSuite(machineTests, options);
registerMutants(machineTests, options, machineMutants);
