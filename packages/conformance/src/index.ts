export * from './clause.ts';
export * from './register.ts';
export * from './run.ts';
