import type { Plain, Reply } from './value.ts';

/**
 * Where a plugin writes its part of a machine image. Keys are the plugin's own, at most 255 bytes of UTF-8, written once each.
 * Values are copied before `put` returns.
 */
export interface PartWriter {
  put(key: string, value: Plain): void;
  /** One page's contents (4,096 bytes) under a page number. Pages are stored by content; an all-zero page costs nothing. */
  page(key: string, page: number, bytes: Uint8Array): void;
  /** A part within this part, for something this plugin is made of. */
  part(key: string): PartWriter;
}

/** The same part, read. Absent keys are an error that names key and schema: a part of another version is refused, never guessed at. */
export interface PartReader {
  has(key: string): boolean;
  get(key: string): Plain;
  /** Numbers of the pages written under `key`, ascending. */
  pages(key: string): readonly number[];
  /** Copies a page's contents into `into` (4,096 bytes). */
  page(key: string, page: number, into: Uint8Array): void;
  part(key: string): PartReader;
  /** Keys of the parts within this one. */
  parts(): readonly string[];
  /** Keys of values, and keys under which pages were written: what a part is carried elsewhere by. */
  keys(): readonly string[];
  pageKeys(): readonly string[];
}

/**
 * Everything a plugin knows that a guest could notice is saved. Legal only between steps.
 * Both answer a {@link Wait} when they must be asked again (a device that still drains); nothing was written or changed then.
 */
export interface Saveable {
  /** Name and version of the saved form, e.g. `posix/1`. A plugin restores what it wrote and refuses the rest with -EINVAL. */
  readonly schema: string;
  save(out: PartWriter): Reply;
  restore(part: PartReader): Reply;
}
