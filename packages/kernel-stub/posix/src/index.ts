export * from './cached-filesystem.ts';
export * from './config.ts';
export * from './page-cache.ts';
export * from './posix-kernel.ts';
