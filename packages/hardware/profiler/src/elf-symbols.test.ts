import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ElfSymbols } from './elf-symbols.ts';

const program = (name: string): Uint8Array => readFileSync(new URL(`../../../guests/bin/${name}`, import.meta.url));
const read = (bytes: Uint8Array): ElfSymbols | undefined =>
  ElfSymbols.read((offset, length) => (offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : undefined));

describe('the symbols of a program', () => {
  const symbols = read(program('calls')) as ElfSymbols;

  it('name every address of a function', () => {
    const start = symbols.addressAt(0) as number;
    const names = new Set<string>();
    for (let address = start; address < start + 0x2000; address += 2) {
      const found = symbols.functionAt(address);
      if (found === undefined) continue;
      expect(address).toBeGreaterThanOrEqual(found.start);
      expect(address).toBeLessThan(found.end);
      names.add(found.name);
    }
    for (const name of ['_start', 'main', 'fibonacci', 'sum_leaf', 'large_frame', 'dynamic_frame', 'callback', 'with_callback']) {
      expect(names).toContain(name);
    }
    expect(symbols.functionAt(0)).toBeUndefined();
    expect(symbols.functionAt(2 ** 40)).toBeUndefined();
  });

  it('are none in a stripped one, whose addresses are still known', () => {
    const stripped = read(program('hello')) as ElfSymbols;
    expect(stripped.addressAt(0x100)).toBe(0x1_0100);
    expect(stripped.functionAt(0x1_0100)).toBeUndefined();
  });

  it('are not looked for in what is no ELF file', () => {
    expect(read(program('hello.wasm'))).toBeUndefined();
    expect(read(new Uint8Array(64))).toBeUndefined();
    expect(read(new Uint8Array(3))).toBeUndefined();
  });

  it('are none, or some, in a damaged file, and nothing throws', () => {
    const whole = program('calls');
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = 0xff;
      const found = read(damaged.subarray(0, whole.length - (at % 512)));
      found?.functionAt(0x1_0400);
    }
  });
});
