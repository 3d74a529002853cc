import { describe, expect, it } from 'vitest';
import { Random } from '../differential/random.ts';
import { expand, FORMS } from './compressed.ts';
import { find, immediate } from './decode.ts';
import { INSTRUCTIONS } from './table.ts';

describe('instruction table', () => {
  it('names each instruction once', () => {
    const names = INSTRUCTIONS.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('has no encoding that two rows match', () => {
    const clashes: string[] = [];
    for (const [i, a] of INSTRUCTIONS.entries()) {
      for (const b of INSTRUCTIONS.slice(i + 1)) {
        if (((a.match ^ b.match) & a.mask & b.mask) === 0) clashes.push(`${a.name} and ${b.name}`);
      }
    }
    expect(clashes).toEqual([]);
  });

  it('keeps match within mask', () => {
    expect(INSTRUCTIONS.filter(({ mask, match }) => (match & ~mask) !== 0)).toEqual([]);
  });

  it('finds each row whatever its operands are', () => {
    const random = new Random(5);
    for (const row of INSTRUCTIONS) {
      for (let i = 0; i < 50; i++) expect(find((row.match | (random.bits() & ~row.mask)) >>> 0)?.name).toBe(row.name);
    }
  });

  it('finds nothing for words that are no instruction', () => {
    for (const word of [0x0000_0000, 0xffff_ffff, 0x0000_0003 | (7 << 12), 0x1050_0073, 0x3020_0073, 0x0200_000b])
      expect(find(word)).toBeUndefined();
  });
});

describe('immediates', () => {
  // Each word's immediate as binutils prints it.
  it.each([
    ['I', 0xfff5_8513, -1],
    ['I', 0x7ff5_8513, 2047],
    ['S', 0xfea5_bc23, -8],
    ['S', 0x7ea5_bfa3, 2047],
    ['B', 0xfe00_0ee3, -4],
    ['B', 0x8000_0063, -4096],
    ['B', 0x7e00_0fe3, 4094],
    ['J', 0xffdf_f06f, -4],
    ['J', 0x8000_006f, -1_048_576],
    ['J', 0x7fff_f06f, 1_048_574],
    ['U', 0xffff_f0b7, -4096],
    ['SHAMT', 0x03f5_9593, 63],
  ] as const)('%s of %i', (format, word, value) => expect(immediate(format, word)).toBe(value));
});

describe('compressed instructions', () => {
  // Pairs of encodings that binutils gives for the short and the long form.
  const pairs = [
    ['c.addi4spn a0,sp,1020', 0x1fe8, 0x3fc1_0513],
    ['c.lw a0,124(a1)', 0x5de8, 0x07c5_a503],
    ['c.ld a0,248(a1)', 0x7de8, 0x0f85_b503],
    ['c.sd a0,248(a1)', 0xfde8, 0x0ea5_bc23],
    ['c.fld fa0,8(a1)', 0x2588, 0x0085_b507],
    ['c.nop', 0x0001, 0x0000_0013],
    ['c.addi a0,-1', 0x157d, 0xfff5_0513],
    ['c.addiw a0,31', 0x257d, 0x01f5_051b],
    ['c.li a0,-32', 0x5501, 0xfe00_0513],
    ['c.lui a0,0xfffe0', 0x7501, 0xfffe_0537],
    ['c.addi16sp sp,-512', 0x7101, 0xe001_0113],
    ['c.srai a0,63', 0x957d, 0x43f5_5513],
    ['c.sub a0,a1', 0x8d0d, 0x40b5_0533],
    ['c.addw a0,a1', 0x9d2d, 0x00b5_053b],
    ['c.j .-2048', 0xb001, 0x801f_f06f],
    ['c.beqz a0,.-256', 0xd101, 0xf005_00e3],
    ['c.bnez a0,.+254', 0xed7d, 0x0e05_1f63],
    ['c.slli a0,63', 0x157e, 0x03f5_1513],
    ['c.ldsp a0,504(sp)', 0x757e, 0x1f81_3503],
    ['c.jr a0', 0x8502, 0x0005_0067],
    ['c.jalr a0', 0x9502, 0x0005_00e7],
    ['c.mv a0,a1', 0x852e, 0x00b0_0533],
    ['c.add a0,a1', 0x952e, 0x00b5_0533],
    ['c.ebreak', 0x9002, 0x0010_0073],
    ['c.sdsp a0,504(sp)', 0xffaa, 0x1ea1_3c23],
    ['c.fsd fa0,8(a1)', 0xa588, 0x00a5_b427],
    ['c.sw a0,124(a1)', 0xdde8, 0x06a5_ae23],
    ['c.srli a0,63', 0x917d, 0x03f5_5513],
    ['c.andi a0,-32', 0x9901, 0xfe05_7513],
    ['c.xor a0,a1', 0x8d2d, 0x00b5_4533],
    ['c.or a0,a1', 0x8d4d, 0x00b5_6533],
    ['c.and a0,a1', 0x8d6d, 0x00b5_7533],
    ['c.subw a0,a1', 0x9d0d, 0x40b5_053b],
    ['c.fldsp fa0,504(sp)', 0x357e, 0x1f81_3507],
    ['c.lwsp a0,252(sp)', 0x557e, 0x0fc1_2503],
    ['c.fsdsp fa0,504(sp)', 0xbfaa, 0x1ea1_3c27],
    ['c.swsp a0,252(sp)', 0xdfaa, 0x0ea1_2e23],
  ] as const;

  it.each(pairs)('%s', (_name, short, long) => expect(expand(short).toString(16)).toBe(long.toString(16)));

  it('have such a pair for each form', () => {
    const names = pairs.map(([text]) => text.split(' ')[0]);
    expect(FORMS.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('refuses the reserved ones', () => {
    const reserved = [0x0000, 0x2001, 0x6101, 0x6501, 0x4002, 0x6002, 0x8002, 0x8000, 0x9c41 | 0x1000, 0x9c61];
    expect(reserved.filter((half) => expand(half) !== 0).map((half) => half.toString(16))).toEqual([]);
  });
});
