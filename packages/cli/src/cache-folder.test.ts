import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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

  it('are not read when they are larger than all may be', () => {
    new CacheFolder(file(''), { files: 4, bytes: 2 ** 22 }).write('name', new Uint8Array(2 ** 21));
    expect(cache().read('name', new FileMemory())).toBeUndefined();
    expect(cache().readPieces('name')).toBeUndefined();
    cache().write('name', bytes('content'));
    expect(cache().read('name', new FileMemory())?.toString()).toBe('content');
  });
});

describe('a cache folder', () => {
  it('holds no more than it may: the oldest go, and what is too large is not written', () => {
    const half = new Uint8Array(2 ** 19);
    for (const [i, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      cache().write(name, bytes(name));
      utimesSync(file(name), i, i);
    }
    expect(readdirSync(file('')).sort()).toEqual(['b', 'c', 'd', 'e']);
    cache().write('half', half);
    cache().write('other-half', half.subarray(1000));
    expect(readdirSync(file('')).sort()).toEqual(['d', 'e', 'half', 'other-half']);
    cache().write('whole', new Uint8Array(2 ** 20));
    expect(readdirSync(file('')).sort()).toEqual(['d', 'e', 'half', 'other-half']);
  });

  it('keeps nothing of what could not be written', () => {
    mkdirSync(file('name'), { recursive: true });
    cache().write('name', bytes('content'));
    expect(readdirSync(file(''))).toEqual(['name']);
  });

  it('keeps nothing of what was begun by a process that was killed long ago', () => {
    const [old, young] = ['old.1.tmp', 'young.1.tmp'];
    mkdirSync(file(''));
    for (const name of [old, young]) writeFileSync(file(name), 'conte');
    utimesSync(file(old), new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000));
    cache().write('name', bytes('content'));
    expect(readdirSync(file('')).sort()).toEqual(['name', young]);
  });

  it('is written to whatever else is in it, or goes away meanwhile', () => {
    mkdirSync(file('folder'), { recursive: true });
    symlinkSync(file('nowhere'), file('gone'));
    for (let i = 0; i < 6; i++) cache().write(`name-${i}`, bytes('content'));
    expect(cache().read('name-5', new FileMemory())?.toString()).toBe('content');
    expect(statSync(file('folder')).isDirectory()).toBe(true);
  });

  it('is made with those it is in, and for its owner only', () => {
    const folder = join(scratch, 'a', 'b', 'c');
    const deep = new CacheFolder(folder, { files: 4, bytes: 2 ** 20 });
    deep.write('name', bytes('content'));
    expect(deep.read('name', new FileMemory())?.toString()).toBe('content');
    for (const path of [folder, join(folder, '..'), join(folder, '..', '..')]) expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('is given up where none can be made', () => {
    symlinkSync(join(scratch, 'nowhere'), join(scratch, 'link'));
    for (const folder of ['/proc/ashlar/cache', '/dev/null/cache', join(scratch, 'link', 'cache')]) {
      const none = new CacheFolder(folder, { files: 4, bytes: 2 ** 20 });
      none.write('name', bytes('content'));
      expect(none.read('name', new FileMemory())).toBeUndefined();
    }
  });
});
