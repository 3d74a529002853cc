import { registerMutants, registerSuite } from '@ashlar/conformance';
import type { Hardware, HardwareSpec, Machine } from '@ashlar/hardware';
import { type MachineFixture, machineMutants, machineTests } from '@ashlar/hardware-conformance';
import { Spec } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { HostHardware } from './host-hardware.ts';

const spec: HardwareSpec = { pages: 65_536, devices: { console: { kind: 'console' } }, cpus: [], log: () => undefined };
const machine = (): Machine => makePlugin<Hardware>(HostHardware, {}, new Map([[Spec, spec]])).machine;
const options = {
  name: 'host',
  factory: (): MachineFixture => ({ machine: machine(), again: machine }),
  supports: new Set<string>(),
};

registerSuite(machineTests, options);
registerMutants(machineTests, options, machineMutants);
