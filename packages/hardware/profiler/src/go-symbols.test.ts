import { describe, expect, it } from 'vitest';
import { goFunctions } from './go-symbols.ts';

/** A table as Go's linker writes it, with these functions from `text` on, each 16 bytes long. */
function tableOf(names: readonly string[], magic = 0xffff_fff1, textStart = 0): Uint8Array {
  const strings = new TextEncoder().encode(names.map((name) => `${name}\0`).join(''));
  const entries = 72 + Math.ceil(strings.length / 8) * 8;
  const records = names.length * 8 + 4;
  const table = new Uint8Array(entries + records + names.length * 8);
  const view = new DataView(table.buffer);
  view.setUint32(0, magic, true);
  table.set([2, 8], 6);
  for (const [index, value] of [names.length, 0, textStart, 72, 0, 0, 0, entries].entries()) view.setUint32(8 + index * 8, value, true);
  table.set(strings, 72);
  let name = 0;
  for (let i = 0; i <= names.length; i++) {
    view.setUint32(entries + i * 8, i * 16, true);
    if (i === names.length) break;
    view.setUint32(entries + i * 8 + 4, records + i * 8, true);
    view.setUint32(entries + records + i * 8, i * 16, true);
    view.setInt32(entries + records + i * 8 + 4, name, true);
    name += new TextEncoder().encode(names[i]).length + 1;
  }
  return table;
}

describe('functions of a Go program', () => {
  it('are told by its line table', () => {
    expect(goFunctions(tableOf(['runtime.main', 'main.fäh']), 0x1_1000)).toEqual([
      { name: 'runtime.main', start: 0x1_1000, end: 0x1_1010 },
      { name: 'main.fäh', start: 0x1_1010, end: 0x1_1020 },
    ]);
  });

  it('begin where an older table says', () => {
    expect(goFunctions(tableOf(['a'], 0xffff_fff0, 0x4_0000), 0x1_1000)[0]?.start).toBe(0x4_0000);
  });

  it('are none in tables of other forms and in damaged ones', () => {
    expect(goFunctions(tableOf(['a'], 0xffff_fffb), 0)).toEqual([]);
    expect(goFunctions(new Uint8Array(8), 0)).toEqual([]);
    const whole = tableOf(['one', 'two', 'three']);
    for (let length = 0; length < whole.length; length += 4) expect(goFunctions(whole.slice(0, length), 0)).toEqual([]);
    for (let at = 8; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at] = 0xff;
      goFunctions(damaged, 0);
    }
  });
});
