import { PAGE_BYTES, type PartWriter, type Plain } from '@ashlar/hardware';
import { Encoder } from '@msgpack/msgpack';
import { digest } from './digest.ts';
import { FORMAT_HEADER_BYTES, FORMAT_MAGIC, FORMAT_VERSION, PART_LIMITS, type PartRecord } from './format.ts';
import { PagePool } from './page-pool.ts';
import { PartError } from './part-error.ts';

const text = new TextEncoder();
const encoder = new Encoder({ sortKeys: true, maxDepth: 256 });

/** Writes one part and the parts within it. */
class Builder implements PartWriter {
  readonly #path: string;
  readonly #depth: number;
  readonly #values = new Map<string, Uint8Array>();
  readonly #pages = new Map<string, Map<number, Uint8Array>>();
  readonly #parts = new Map<string, Builder>();

  constructor(path: string, depth: number) {
    this.#path = path;
    this.#depth = depth;
  }

  put(key: string, value: Plain): void {
    this.#checkKey(key);
    if (this.#values.has(key)) throw new PartError(`part ${this.#path}: key "${key}" was written twice`);
    this.#values.set(key, encoder.encode(value));
  }

  page(key: string, page: number, bytes: Uint8Array): void {
    if (bytes.length !== PAGE_BYTES)
      throw new PartError(`part ${this.#path}: a page of ${bytes.length} bytes under "${key}", not ${PAGE_BYTES}`);
    if (!Number.isSafeInteger(page) || page < 0) throw new PartError(`part ${this.#path}: page number ${page} under "${key}"`);
    let set = this.#pages.get(key);
    if (set === undefined) {
      this.#checkKey(key);
      set = new Map();
      this.#pages.set(key, set);
    }
    if (set.has(page)) throw new PartError(`part ${this.#path}: page ${page} of "${key}" was written twice`);
    if (set.size >= PART_LIMITS.entriesMax)
      throw new PartError(`part ${this.#path}: more than ${PART_LIMITS.entriesMax} pages under "${key}"`);
    set.set(page, bytes.slice());
  }

  part(key: string): PartWriter {
    this.#checkKey(key);
    if (this.#parts.has(key)) throw new PartError(`part ${this.#path}: part "${key}" was written twice`);
    if (this.#depth >= PART_LIMITS.depthMax)
      throw new PartError(`part ${this.#path}: more than ${PART_LIMITS.depthMax} parts within each other`);
    const part = new Builder(`${this.#path}${this.#path.endsWith('/') ? '' : '/'}${key}`, this.#depth + 1);
    this.#parts.set(key, part);
    return part;
  }

  /** Numbers pages in the order of the sorted walk, whatever the order of writing was. */
  record(pool: PagePool): PartRecord {
    const pages: Record<string, number[]> = {};
    for (const key of sorted(this.#pages)) pages[key] = encodePages(this.#pages.get(key) as Map<number, Uint8Array>, pool);
    const parts: Record<string, PartRecord> = {};
    for (const key of sorted(this.#parts)) parts[key] = (this.#parts.get(key) as Builder).record(pool);
    return { values: Object.fromEntries(this.#values), pages, parts };
  }

  #checkKey(key: string): void {
    const bytes = text.encode(key).length;
    if (bytes === 0 || bytes > PART_LIMITS.keyBytesMax) {
      throw new PartError(`part ${this.#path}: a key of ${bytes} bytes; 1 to ${PART_LIMITS.keyBytesMax} are allowed`);
    }
    if (key === '__proto__') throw new PartError(`part ${this.#path}: "__proto__" cannot be a key`);
    if (this.#values.size + this.#pages.size + this.#parts.size >= PART_LIMITS.entriesMax) {
      throw new PartError(`part ${this.#path}: more than ${PART_LIMITS.entriesMax} keys`);
    }
  }
}

function sorted(map: ReadonlyMap<string, unknown>): string[] {
  return [...map.keys()].sort();
}

function encodePages(set: ReadonlyMap<number, Uint8Array>, pool: PagePool): number[] {
  const numbers = [...set.keys()].sort((a, b) => a - b);
  const out: number[] = [];
  let previous = -1;
  for (const number of numbers) {
    out.push(number - previous - 1, pool.add(set.get(number) as Uint8Array) + 1);
    previous = number;
  }
  return out;
}

/** A part being written; {@link toBytes} when all is in it. */
export class PartBuilder extends Builder {
  constructor() {
    super('/', 0);
  }

  toBytes(): Uint8Array {
    const pool = new PagePool();
    const root = this.record(pool);
    const digests = new Uint8Array(pool.count * 4);
    const digestView = new DataView(digests.buffer);
    for (let i = 0; i < pool.count; i++) digestView.setUint32(i * 4, pool.digestOf(i), true);
    const body = encoder.encode({ digests, root });
    const total = FORMAT_HEADER_BYTES + body.length + pool.count * PAGE_BYTES;
    if (total > PART_LIMITS.bytesMax) throw new PartError(`an image of ${total} bytes; at most ${PART_LIMITS.bytesMax}`);
    const out = new Uint8Array(total);
    const view = new DataView(out.buffer);
    text.encodeInto(FORMAT_MAGIC, out);
    view.setUint32(12, FORMAT_VERSION, true);
    view.setUint32(16, body.length, true);
    view.setUint32(20, digest(body), true);
    out.set(body, FORMAT_HEADER_BYTES);
    for (let i = 0; i < pool.count; i++) out.set(pool.page(i), FORMAT_HEADER_BYTES + body.length + i * PAGE_BYTES);
    return out;
  }
}
