export * from './decorators.ts';
export * from './manifest.ts';
export * from './tokens.ts';
