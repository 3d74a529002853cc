import type { Plain } from '@ashlar/hardware';

/** What `copy` keeps in `task.progress` when it waits behind its first piece. */
export interface CopyProgress {
  /** Bytes of the pieces that are done. */
  readonly copied: number;
  /** What the target keeps of the piece under way. */
  readonly piece: Plain;
}

/** What a `copy` that waits keeps there; undefined if it is in its first piece, or another call waits. */
export function copyProgress(progress: Plain | undefined): CopyProgress | undefined {
  if (typeof progress !== 'object' || progress === null || !('copied' in progress)) return undefined;
  return progress as unknown as CopyProgress;
}
