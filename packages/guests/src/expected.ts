import { readFileSync } from 'node:fs';
import { FOLDERS } from './folders.ts';
import type { Expected } from './guest.ts';

/** Bytes in a JSON file: text where they are UTF-8, otherwise base64. */
type StoredBytes = string | { readonly base64: string };

/** The file format of `expected/<name>.json`. The invocation is repeated there so that the file can be read by itself. */
interface StoredExpected {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly stdout: StoredBytes;
  readonly stderr: StoredBytes;
  readonly status: number;
  readonly recordedOn: string;
  readonly recordedWith: string;
}

function bytesOf(stored: StoredBytes): Uint8Array {
  return typeof stored === 'string' ? new TextEncoder().encode(stored) : new Uint8Array(Buffer.from(stored.base64, 'base64'));
}

function storedBytes(bytes: Uint8Array): StoredBytes {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : { base64: Buffer.from(bytes).toString('base64') };
}

/** The recorded result of the case `name`; throws an Error that says how to record it where there is none. */
export function readExpected(name: string): Expected {
  let text: string;
  try {
    text = readFileSync(`${FOLDERS.expected}${name}.json`, 'utf8');
  } catch (cause) {
    throw new Error(`No recorded result for the guest "${name}"; record it with packages/guests/dist/tools/record.js ${name}`, { cause });
  }
  const stored = JSON.parse(text) as StoredExpected;
  return { ...stored, stdout: bytesOf(stored.stdout), stderr: bytesOf(stored.stderr) };
}

/** The text of `expected/<name>.json`. */
export function formatExpected(invocation: Pick<StoredExpected, 'argv' | 'env' | 'stdin' | 'files'>, expected: Expected): string {
  const stored: StoredExpected = {
    ...invocation,
    stdout: storedBytes(expected.stdout),
    stderr: storedBytes(expected.stderr),
    status: expected.status,
    recordedOn: expected.recordedOn,
    recordedWith: expected.recordedWith,
  };
  return `${JSON.stringify(stored, undefined, 2)}\n`;
}
