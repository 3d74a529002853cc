/** What kind of thing went wrong; stable, so that a program can act on it. */
export type ImageErrorCode =
  /** The text is not an image specification. */
  | 'SPEC'
  /** Nothing is at the path, or no such package or version. */
  | 'NOT_FOUND'
  /** It is there but cannot be read: permissions, I/O, a wrong type of file. */
  | 'UNREADABLE'
  /** The archive breaks its format or a rule of confinement. */
  | 'ARCHIVE'
  /** A limit of {@link ImageLimits} was passed. */
  | 'LIMIT'
  /** What arrived is not what was promised (hash, size). */
  | 'INTEGRITY'
  /** The registry could not be reached or refused. */
  | 'NETWORK'
  /** It would have to be fetched, and `offline` forbids that. */
  | 'OFFLINE'
  /** The caller's signal ended it. */
  | 'ABORTED';

/**
 * An image that cannot be used. The message is one line, `SPEC: REASON; FIX`, meant for the person who wrote the specification.
 */
export class ImageError extends Error {
  override readonly name = 'ImageError';

  constructor(
    readonly code: ImageErrorCode,
    /** The specification as its writer gave it. */
    readonly spec: string,
    readonly reason: string,
    /** What to do about it; may be empty. */
    readonly fix: string = '',
    options?: { cause?: unknown },
  ) {
    super(`${spec}: ${reason}${fix === '' ? '' : `; ${fix}`}`, options);
  }
}

/** A fault found inside an archive, before the specification that named the archive is known. */
export class ArchiveFault extends Error {
  override readonly name = 'ArchiveFault';

  constructor(
    readonly code: 'ARCHIVE' | 'LIMIT',
    reason: string,
    readonly fix: string = '',
  ) {
    super(reason);
  }
}

/** The cache could not be read or written, before the specification is known for which it was. The cause is an error of node:fs. */
export class CacheFault extends Error {
  override readonly name = 'CacheFault';
}

/** Runs what reads or writes the cache alone. @throws CacheFault for an error of node:fs */
export async function inCache<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw errnoName(error) === '' ? error : new CacheFault(messageOf(error), { cause: error });
  }
}

/** The errno name of a Node.js error, or '' where it has none. */
export function errnoName(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** The one-line message of anything thrown. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? '';
}
