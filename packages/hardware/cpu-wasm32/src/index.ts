export { NativeWasm32Cpu, Wasm32Cpu } from './cpu.ts';
