/** The version of the Hypervisor interface; a plugin names the one it was written for. */
export const HYPERVISOR_INTERFACE = '1';
export * from './domain.ts';
export * from './hypervisor.ts';
