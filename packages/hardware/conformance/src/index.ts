export * from './address-space.ts';
export * from './cpu.ts';
export * from './cpu-fixture.ts';
export * from './cpu-programs.ts';
export * from './machine.ts';
export * from './share.ts';
export * from './streams.ts';
