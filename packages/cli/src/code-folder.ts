import { join } from 'node:path';
import { Deserializer, Serializer } from 'node:v8';
import { type CodeName, type CodeStore, FORGETFUL, type KeptCode } from '@ashlar/hardware';
import { defaultCacheFolder } from '@ashlar/image';
import { StackError } from '@ashlar/stack';
import { CacheFolder, engine } from './cache-folder.ts';

/** Programs whose code is kept, and bytes of it all. */
const LIMITS = { files: 64, bytes: 256 * 2 ** 20 };
/** Stands for the CPUs' code, since what one build of them keeps is for no other. The bundler puts it here. */
declare const CPU_BUILD: string;

/** Keeps what CPUs compile in files, which are written when the process ends. */
class CodeFolder implements CodeStore {
  readonly keeps = true;
  readonly #cache: CacheFolder;
  readonly #suffix: string;
  readonly #values = new Map<CodeName, () => KeptCode | undefined>();

  constructor(folder: string, build: string) {
    this.#cache = new CacheFolder(folder, LIMITS);
    this.#suffix = `-${build}-${engine()}`;
  }

  load(name: CodeName): unknown {
    const file = `${name}${this.#suffix}`;
    const [head, ...buffers] = this.#cache.readPieces(file) ?? [];
    if (head === undefined) return undefined;
    this.#cache.touch(file);
    return deserialized(head, buffers);
  }

  keep(name: CodeName, value: () => KeptCode | undefined): void {
    this.#values.set(name, value);
  }

  write(): void {
    for (const [name, give] of this.#values) {
      const kept = give();
      if (kept === undefined) continue;
      const { value, buffers } = kept;
      this.#cache.write(`${name}${this.#suffix}`, serialized(value, buffers), ...buffers.map((buffer) => new Uint8Array(buffer)));
    }
  }
}

/** A value without what these buffers of it contain. */
function serialized(value: unknown, buffers: readonly ArrayBuffer[]): Uint8Array {
  const serializer = new Serializer();
  for (const [i, buffer] of buffers.entries()) serializer.transferArrayBuffer(i, buffer);
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

function deserialized(bytes: ArrayBuffer, buffers: readonly ArrayBuffer[]): unknown {
  const deserializer = new Deserializer(Buffer.from(bytes));
  for (const [i, buffer] of buffers.entries()) deserializer.transferArrayBuffer(i, buffer);
  deserializer.readHeader();
  return deserializer.readValue();
}

let codes: CodeStore | undefined;

/** Where the CPUs of this process keep what they compile: nowhere with `ASHLAR_KEEP_CODE=off`, or where nothing was bundled. */
export function codeFolder(): CodeStore {
  codes ??= open();
  return codes;
}

function open(): CodeStore {
  const { ASHLAR_KEEP_CODE: wanted = 'on' } = process.env;
  if (wanted !== 'on' && wanted !== 'off') throw new StackError(`ASHLAR_KEEP_CODE is '${wanted}'`, 'use on or off');
  if (typeof CPU_BUILD === 'undefined' || wanted === 'off') return FORGETFUL;
  const folder = new CodeFolder(join(defaultCacheFolder(), 'translated'), CPU_BUILD);
  process.once('exit', () => folder.write());
  return folder;
}
