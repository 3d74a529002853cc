import { PAGE_BYTES, type Plain } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyPart, PartBuilder, PartError, readPart } from './index.ts';

const pageOf = (fill: number): Uint8Array => new Uint8Array(PAGE_BYTES).fill(fill);

function sample(): PartBuilder {
  const out = new PartBuilder();
  out.put('name', 'sh');
  out.put('registers', new Uint8Array([1, 2, 3]));
  out.page('memory', 7, pageOf(1));
  out.page('memory', 3, pageOf(0));
  out.part('files').page('memory', 9, pageOf(1));
  return out;
}

const plain: fc.Arbitrary<Plain> = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger().map((n) => n + 0),
    fc.double({ noNaN: true }).filter((n) => !Object.is(n, -0)),
    fc.string(),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { noNullPrototype: true },
    ),
  ),
})).value;

describe('a saved part', () => {
  it('gives back values, pages and parts', () => {
    const part = readPart(sample().toBytes());
    expect(part.get('name')).toBe('sh');
    expect(part.get('registers')).toEqual(new Uint8Array([1, 2, 3]));
    expect(part.has('absent')).toBe(false);
    expect(part.pages('memory')).toEqual([3, 7]);
    const page = pageOf(9);
    part.page('memory', 7, page);
    expect(page).toEqual(pageOf(1));
    part.page('memory', 3, page);
    expect(page).toEqual(pageOf(0));
    expect(part.parts()).toEqual(['files']);
    expect(part.part('files').pages('memory')).toEqual([9]);
    expect(part.part('files').pages('absent')).toEqual([]);
  });

  it('stores equal pages once and zero pages not at all', () => {
    const one = sample().toBytes().length;
    const out = sample();
    const more = out.part('more');
    for (let i = 0; i < 100; i++) more.page('memory', i, i % 2 === 0 ? pageOf(0) : pageOf(1));
    expect(out.toBytes().length - one).toBeLessThan(PAGE_BYTES);
  });

  it('is the same bytes for the same state, whatever the order of writing', () => {
    const other = new PartBuilder();
    other.page('memory', 3, pageOf(0));
    other.part('files').page('memory', 9, pageOf(1));
    other.page('memory', 7, pageOf(1));
    other.put('registers', new Uint8Array([1, 2, 3]));
    other.put('name', 'sh');
    expect(other.toBytes()).toEqual(sample().toBytes());
  });

  it('copies what it is given before put and page return', () => {
    const out = new PartBuilder();
    const bytes = new Uint8Array([1]);
    const page = pageOf(5);
    out.put('bytes', bytes);
    out.page('memory', 0, page);
    bytes[0] = 2;
    page.fill(6);
    const part = readPart(out.toBytes());
    expect(part.get('bytes')).toEqual(new Uint8Array([1]));
    part.page('memory', 0, page);
    expect(page).toEqual(pageOf(5));
  });

  it('gives back any plain value', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const out = new PartBuilder();
        out.put('value', value);
        expect(readPart(out.toBytes()).get('value')).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it('is copied whole into another', () => {
    const copy = new PartBuilder();
    copyPart(readPart(sample().toBytes()), copy);
    expect(copy.toBytes()).toEqual(sample().toBytes());
  });

  it('names the part and the key that are absent', () => {
    const part = readPart(sample().toBytes()).part('files');
    expect(() => part.get('tasks')).toThrow('part /files: no value "tasks"');
    expect(() => part.page('memory', 1, pageOf(0))).toThrow('no page 1 of "memory"');
    expect(() => part.part('x')).toThrow(PartError);
  });

  it('refuses keys that are empty, too long or written twice', () => {
    const out = new PartBuilder();
    out.put('a', 1);
    expect(() => out.put('a', 2)).toThrow('written twice');
    expect(() => out.put('', 2)).toThrow('0 bytes');
    expect(() => out.put('é'.repeat(128), 2)).toThrow('256 bytes');
    expect(() => out.page('m', 0, new Uint8Array(1))).toThrow('a page of 1 bytes');
  });

  it('says what is wrong with foreign, newer, truncated bytes', () => {
    const bytes = sample().toBytes();
    expect(() => readPart(new Uint8Array(10))).toThrow('not a saved machine');
    const newer = bytes.slice();
    newer[12] = 2;
    expect(() => readPart(newer)).toThrow('format version 2');
    expect(() => readPart(bytes.subarray(0, 40))).toThrow('truncated');
    expect(() => readPart(bytes.subarray(0, bytes.length - 1))).toThrow('truncated');
  });

  it('refuses damage anywhere', () => {
    const bytes = sample().toBytes();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ flip;
        expect(() => {
          const part = readPart(damaged);
          part.get('name');
          part.page('memory', 7, new Uint8Array(PAGE_BYTES));
        }).toThrow(PartError);
      }),
      { numRuns: 500 },
    );
  });
});
