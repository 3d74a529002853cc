export * from './bindings.ts';
export * from './clauses.ts';
export * from './controls.ts';
export * from './fixture.ts';
export * from './mutants.ts';
export * from './probe.ts';
export * from './probe-loader.ts';
