import { registerMutants, registerSuite } from '@ashlar/conformance';
import { addressSpaceTests, cpuMutants, cpuTests, wasm32Fixture } from '@ashlar/hardware-conformance';
import { Wasm32Cpu } from './cpu.ts';

const supports = new Set(['sync', 'exactBudget', 'preemptible', 'saveable', 'forkable', 'illegal']);
const options = { name: 'cpu-wasm32', factory: () => wasm32Fixture(new Wasm32Cpu()), supports };

registerSuite([...cpuTests, ...addressSpaceTests], options);
registerMutants(cpuTests, options, cpuMutants);
