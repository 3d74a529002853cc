import { registerMutants, registerSuite } from '@ashlar/conformance';
import { addressSpaceTests, cpuMutants, cpuTests, riscv64Fixture } from '@ashlar/hardware-conformance';
import { Riscv64Cpu } from './cpu.ts';

const supports = new Set([
  'sync',
  'exactBudget',
  'preemptible',
  'saveable',
  'forkable',
  'paged',
  'mendable',
  'illegal',
  'code in memory',
  'dirty tracked',
]);
const options = { name: 'cpu-riscv64', factory: () => riscv64Fixture(new Riscv64Cpu()), supports };

registerSuite([...cpuTests, ...addressSpaceTests], options);
registerMutants(cpuTests, options, cpuMutants);
