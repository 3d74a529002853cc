export { Riscv64Cpu } from './cpu.ts';
