import type { Filesystem } from './filesystem.ts';

/**
 * A node in the file tree with how it was reached: a current or root directory, or where an open file lies. Opaque to all but the
 * {@link FileProvider} that made it, which extends it. Reference counted through `FileProvider.hold` and `drop`.
 */
export interface Place {
  readonly filesystem: Filesystem;
  readonly node: number;
}
