export * from './sim-hardware.ts';
export * from './virtual-clock.ts';
