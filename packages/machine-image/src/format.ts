/**
 * The saved form of one part.
 *
 *     0   "ashlar-part\n"
 *     12  u32 version
 *     16  u32 bytes of the body
 *     20  u32 digest of the body
 *     24  the body: MessagePack of a {@link PartRecord}, and `digests`, one u32 for each page
 *     …   pages, {@link PAGE_BYTES} each, in the order of their first mention
 *
 * Integers are little-endian. The same state gives the same bytes: keys are sorted, pages are numbered in the order of the sorted walk.
 */
export const FORMAT_MAGIC = 'ashlar-part\n';
export const FORMAT_VERSION = 1;
export const FORMAT_HEADER_BYTES = 24;

export const PART_LIMITS = {
  /** Of one image. */
  bytesMax: 2 ** 31 - 1,
  /** Of a key, in UTF-8. */
  keyBytesMax: 255,
  /** Parts within parts. */
  depthMax: 128,
  /** Values, page sets and parts of one part. */
  entriesMax: 1 << 20,
} as const;

/** One part as MessagePack sees it. */
export interface PartRecord {
  /** Values: each MessagePack by itself, so that reading one does not decode the rest. */
  readonly values: Readonly<Record<string, Uint8Array>>;
  /** Page sets: pairs of (page number − previous − 1, index of the page + 1 or 0 for zeroes). */
  readonly pages: Readonly<Record<string, readonly number[]>>;
  readonly parts: Readonly<Record<string, PartRecord>>;
}

export interface BodyRecord {
  readonly root: PartRecord;
  readonly digests: Uint8Array;
}
