import { PAGE_BYTES, type PartReader, type Plain } from '@ashlar/hardware';
import { decode } from '@msgpack/msgpack';
import { digest } from './digest.ts';
import { type BodyRecord, FORMAT_HEADER_BYTES, FORMAT_MAGIC, FORMAT_VERSION, PART_LIMITS, type PartRecord } from './format.ts';
import { PartError } from './part-error.ts';

/** Pages of one image, checked when they are read: a restore that touches few pages pays for few. */
class StoredPages {
  readonly #bytes: Uint8Array;
  readonly #digests: DataView;
  readonly count: number;

  constructor(bytes: Uint8Array, digests: Uint8Array) {
    this.#bytes = bytes;
    this.#digests = new DataView(digests.buffer, digests.byteOffset, digests.length);
    this.count = digests.length / 4;
  }

  copy(index: number, into: Uint8Array): void {
    into.set(this.#bytes.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES));
    if (digest(into) !== this.#digests.getUint32(index * 4, true))
      throw new PartError(`saved page ${index} is damaged: its digest differs`);
  }
}

class Reader implements PartReader {
  readonly #path: string;
  readonly #record: PartRecord;
  readonly #stored: StoredPages;
  readonly #sets = new Map<string, ReadonlyMap<number, number>>();

  constructor(path: string, record: PartRecord, stored: StoredPages) {
    this.#path = path;
    this.#record = record;
    this.#stored = stored;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#record.values, key);
  }

  get(key: string): Plain {
    const bytes = this.has(key) ? this.#record.values[key] : undefined;
    if (bytes === undefined) throw this.#absent('value', key);
    return copyBytes(decodeBounded(bytes, `${this.#path}: "${key}"`));
  }

  pages(key: string): readonly number[] {
    return Object.hasOwn(this.#record.pages, key) ? [...this.#set(key).keys()] : [];
  }

  page(key: string, page: number, into: Uint8Array): void {
    if (into.length !== PAGE_BYTES) throw new PartError(`part ${this.#path}: a buffer of ${into.length} bytes for a page of ${PAGE_BYTES}`);
    const index = Object.hasOwn(this.#record.pages, key) ? this.#set(key).get(page) : undefined;
    if (index === undefined) throw this.#absent(`page ${page} of`, key);
    if (index < 0) into.fill(0);
    else this.#stored.copy(index, into);
  }

  part(key: string): PartReader {
    const record = Object.hasOwn(this.#record.parts, key) ? this.#record.parts[key] : undefined;
    if (record === undefined) throw this.#absent('part', key);
    return new Reader(`${this.#path}${this.#path.endsWith('/') ? '' : '/'}${key}`, record, this.#stored);
  }

  parts(): readonly string[] {
    return Object.keys(this.#record.parts);
  }

  keys(): readonly string[] {
    return Object.keys(this.#record.values);
  }

  pageKeys(): readonly string[] {
    return Object.keys(this.#record.pages);
  }

  #set(key: string): ReadonlyMap<number, number> {
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const pairs = this.#record.pages[key] as readonly number[];
    const set = new Map<number, number>();
    let previous = -1;
    for (let i = 0; i < pairs.length; i += 2) {
      previous += 1 + (pairs[i] as number);
      set.set(previous, (pairs[i + 1] as number) - 1);
    }
    this.#sets.set(key, set);
    return set;
  }

  #absent(what: string, key: string): PartError {
    return new PartError(`part ${this.#path}: no ${what} "${key}"; it was saved by another version, or by something else`);
  }
}

/**
 * Reads what {@link PartBuilder.toBytes} wrote. Everything but pages is checked here; a page when it is read.
 * Throws a {@link PartError} that says what is wrong with the bytes.
 */
export function readPart(bytes: Uint8Array): PartReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < FORMAT_HEADER_BYTES || new TextDecoder().decode(bytes.slice(0, 12)) !== FORMAT_MAGIC) {
    throw new PartError('not a saved machine: it does not begin with "ashlar-part"');
  }
  const version = view.getUint32(12, true);
  if (version !== FORMAT_VERSION) throw new PartError(`saved in format version ${version}; this program reads version ${FORMAT_VERSION}`);
  const bodyBytes = view.getUint32(16, true);
  if (bodyBytes > bytes.length - FORMAT_HEADER_BYTES)
    throw new PartError(`truncated: the body has ${bodyBytes} bytes and the file ${bytes.length}`);
  const body = bytes.subarray(FORMAT_HEADER_BYTES, FORMAT_HEADER_BYTES + bodyBytes);
  if (digest(body) !== view.getUint32(20, true)) throw new PartError('damaged: the digest of the body differs');
  const decoded = decodeBounded(body, 'body');
  const record = decoded as unknown as BodyRecord;
  if (!isRecord(decoded) || !(record.digests instanceof Uint8Array) || record.digests.length % 4 !== 0)
    throw new PartError('damaged: no table of pages');
  const pages = bytes.subarray(FORMAT_HEADER_BYTES + bodyBytes);
  const stored = new StoredPages(pages, record.digests);
  if (pages.length !== stored.count * PAGE_BYTES)
    throw new PartError(`truncated: ${stored.count} pages are listed, ${pages.length} bytes are there`);
  checkPart(record.root, '/', 0, stored.count);
  return new Reader('/', record.root, stored);
}

function decodeBounded(bytes: Uint8Array, what: string): Plain {
  try {
    return decode(bytes) as Plain;
  } catch (error) {
    throw new PartError(`damaged: ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function checkPart(record: unknown, path: string, depth: number, pageCount: number): void {
  if (depth > PART_LIMITS.depthMax) throw new PartError(`damaged: more than ${PART_LIMITS.depthMax} parts within each other`);
  if (!isRecord(record)) throw new PartError(`damaged: part ${path} is not a record`);
  const { values, pages, parts } = record as Record<string, unknown>;
  if (!isRecord(values) || !isRecord(pages) || !isRecord(parts)) throw new PartError(`damaged: part ${path} lacks values, pages or parts`);
  for (const [key, value] of Object.entries(values)) {
    if (!(value instanceof Uint8Array)) throw new PartError(`damaged: part ${path}: value "${key}" is not bytes`);
  }
  for (const [key, pairs] of Object.entries(pages)) checkPages(pairs, `part ${path}: pages "${key}"`, pageCount);
  for (const [key, part] of Object.entries(parts)) checkPart(part, `${path === '/' ? '' : path}/${key}`, depth + 1, pageCount);
}

function checkPages(pairs: unknown, what: string, pageCount: number): void {
  if (!Array.isArray(pairs) || pairs.length % 2 !== 0) throw new PartError(`damaged: ${what}: not a list of pairs`);
  let previous = -1;
  for (let i = 0; i < pairs.length; i += 2) {
    const gap: unknown = pairs[i];
    const index: unknown = pairs[i + 1];
    if (typeof gap !== 'number' || !Number.isSafeInteger(gap) || gap < 0) throw new PartError(`damaged: ${what}: entry ${i}`);
    previous += 1 + gap;
    const known = typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 && index <= pageCount;
    if (!known || !Number.isSafeInteger(previous)) throw new PartError(`damaged: ${what}: entry ${i} names a page that is not there`);
  }
}

/** The decoder hands out views into the image; what callers get is theirs to keep and change. */
function copyBytes(value: Plain): Plain {
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map((item: Plain) => copyBytes(item));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value as Record<string, Plain>).map(([key, item]) => [key, copyBytes(item)]));
  }
  return value;
}
