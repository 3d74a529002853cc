/**
 * What an archive may ask of this machine. An archive is input from a stranger, so each thing that it can make grow has a limit; passing one is an
 * {@link ImageError} with code `LIMIT`.
 */
export interface ImageLimits {
  /** Entries of an archive, and nodes of a tree, counting directories that are only implied. */
  readonly entries: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of all files together, and of the archive after decompression. */
  readonly totalBytes: number;
  /** Bytes of a path (PATH_MAX of Linux, without its final NUL). */
  readonly pathBytes: number;
  /** Bytes of one name in a path (NAME_MAX of Linux). */
  readonly nameBytes: number;
  /** Names in a path. */
  readonly depth: number;
  /**
   * Times that an archive may grow by decompression, looked at from {@link expansionFreeBytes} on. Deflate cannot pass 1,032; real file trees stay
   * below 20.
   */
  readonly expansion: number;
  /** Bytes of output for which {@link expansion} is not looked at: small things compress well. */
  readonly expansionFreeBytes: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: ImageLimits = Object.freeze({
  entries: 500_000,
  fileBytes: 4096 * MIB,
  totalBytes: 8192 * MIB,
  pathBytes: 4095,
  nameBytes: 255,
  depth: 256,
  expansion: 200,
  expansionFreeBytes: 64 * MIB,
});
