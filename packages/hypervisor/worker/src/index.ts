export * from './port-channel.ts';
export * from './worker.ts';
