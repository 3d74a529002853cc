export * from './abi/sigframe.ts';
export * from './abi/structures.ts';
export { loadElf } from './elf/load.ts';
export * from './elf/parse.ts';
export { LinuxPersonality } from './personality.ts';
export type { Interruption, Syscall } from './syscalls/syscall.ts';
export { SYSCALLS } from './syscalls/table.ts';
