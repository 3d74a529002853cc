export * from './solo-kernel.ts';
