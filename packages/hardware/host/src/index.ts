export * from './host-clock.ts';
export * from './host-hardware.ts';
