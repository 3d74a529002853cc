export * from './passthrough-kernel.ts';
