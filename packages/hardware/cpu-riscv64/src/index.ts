export { Riscv64Cpu } from './cpu.ts';
export { loadCompiler } from './translator/compiler.ts';
