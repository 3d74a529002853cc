import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CacheFolder } from './cache-folder.ts';
import { FileMemory } from './file-memory.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ashlar-cache-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const cache = (): CacheFolder => new CacheFolder(join(scratch, 'cache'), { files: 4, bytes: 2 ** 20 });
const file = (name: string): string => join(scratch, 'cache', name);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (pieces: readonly ArrayBuffer[] | undefined): string[] | undefined => pieces?.map((piece) => new TextDecoder().decode(piece));

describe('files of a cache', () => {
  it('are read as one piece, or each piece in memory of its own', () => {
    cache().write('one', bytes('content'));
    expect(cache().read('one', new FileMemory())?.toString()).toBe('content');
    expect(texts(cache().readPieces('one'))).toEqual(['content']);
    cache().write('more', bytes('first'), bytes(''), bytes('second'));
    expect(texts(cache().readPieces('more'))).toEqual(['first', '', 'second']);
    cache().write('none');
    expect(cache().readPieces('none')).toEqual([]);
    expect(readdirSync(file('')).sort()).toEqual(['more', 'none', 'one']);
  });

  it('are not there under other names, or when there are more pieces than can be', () => {
    expect([cache().read('none', new FileMemory()), cache().readPieces('none')]).toEqual([undefined, undefined]);
    cache().write('many', ...Array.from({ length: 1024 }, () => bytes('x')));
    expect(cache().readPieces('many')).toHaveLength(1024);
    cache().write('too-many', ...Array.from({ length: 1025 }, () => bytes('x')));
    expect(cache().readPieces('too-many')).toBeUndefined();
  });

  it('are as if they were not there when any byte of them is another', () => {
    const pieces = [bytes('some bytes'), bytes('and more')];
    cache().write('name', ...pieces);
    const whole = readFileSync(file('name'));
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 0x41;
      writeFileSync(file('name'), damaged);
      expect(cache().readPieces('name')).toBeUndefined();
      expect(cache().read('name', new FileMemory())).toBeUndefined();
    }
  });

  it('are as if they were not there when they are too short, or are something else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (other) => {
        cache().write('other', bytes('x'));
        writeFileSync(file('other'), other);
        expect(cache().readPieces('other')).toBeUndefined();
        expect(cache().read('other', new FileMemory())).toBeUndefined();
      }),
    );
    cache().write('name', bytes('some bytes'), bytes('and more'));
    for (let length = readFileSync(file('name')).length - 1; length >= 0; length--) {
      truncateSync(file('name'), length);
      expect(cache().readPieces('name')).toBeUndefined();
      expect(cache().read('name', new FileMemory())).toBeUndefined();
    }
  });
});
