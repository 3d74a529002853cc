/** The version of the Machine interface; a plugin names the one it was written for. */
export const MACHINE_INTERFACE = '1';
export * from './code-store.ts';
export * from './cpu.ts';
export * from './device.ts';
export * from './errno.ts';
export * from './event.ts';
export * from './hardware.ts';
export * from './machine.ts';
export * from './memory.ts';
export * from './payload.ts';
export * from './riscv64.ts';
export * from './share.ts';
export * from './socket.ts';
export * from './state.ts';
export * from './tree.ts';
export * from './value.ts';
export * from './volume.ts';
export * from './wasm32.ts';
