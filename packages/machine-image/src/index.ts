export * from './copy-part.ts';
export * from './format.ts';
export * from './part-builder.ts';
export * from './part-error.ts';
export * from './read-part.ts';
