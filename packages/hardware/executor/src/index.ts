export * from './host-turn.ts';
export * from './loop-executor.ts';
