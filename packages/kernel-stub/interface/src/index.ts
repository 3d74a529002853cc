/** The version of the System interface; a plugin names the one it was written for. */
export const SYSTEM_INTERFACE = '1';
export * from './operations.ts';
export * from './system.ts';
export * from './task.ts';
export * from './task-system.ts';
