export { type Architecture, architectureOf, imageArchitecture, type NoArchitecture } from './architecture.ts';
export { defaultCacheFolder } from './cache.ts';
export { ImageError, type ImageErrorCode } from './error.ts';
export { Folder, type FolderLimits } from './folder.ts';
export { DEFAULT_LIMITS, type ImageLimits } from './limits.ts';
export { makeFolder } from './make-folder.ts';
export type { ImageProgress } from './progress.ts';
export { type Image, type ResolveOptions, resolveImage } from './resolve.ts';
export { type ImageSpec, parseImageSpec } from './spec.ts';
