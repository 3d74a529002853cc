/** How far the work on an image is. Sent often (for each chunk): whoever draws it decides how often to. */
export interface ImageProgress {
  /** The specification as its writer gave it. */
  readonly spec: string;
  /** `resolve`: asking which version it is; `unpack`: bytes of it arrive, are checked and stored. */
  readonly phase: 'resolve' | 'unpack';
  readonly doneBytes: number;
  /** Bytes to come altogether, where it is known. An estimate: a registry says it, the archive may differ. */
  readonly totalBytes: number | undefined;
}
