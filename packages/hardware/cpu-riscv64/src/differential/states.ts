import type { Random } from './random.ts';

/** Values of registers that random programs begin with. */
const INTEGERS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [-1, -1],
  [0x7fff_ffff, -1],
  [-0x8000_0000, 0],
  [0, 0x7fff_ffff],
  [-1, -0x8000_0000],
  [0, -0x8000_0000],
  [0, 0xff],
];

/** High and low halves of a 64-bit integer, often an edge. */
export function integerBits(random: Random): readonly [number, number] {
  if (random.chance(3)) return random.pick(INTEGERS);
  if (random.chance(3)) {
    const small = random.between(-64, 64);
    return [small >> 31, small];
  }
  return [random.bits(), random.bits()];
}

/** Bits of a single, often an edge: zeroes, subnormals, ends of ranges, infinities, NaNs of both kinds. */
function single(random: Random): number {
  const sign = random.chance(2) ? 0x8000_0000 : 0;
  const fraction = random.pick([0, 1, 0x7f_ffff, 0x40_0000, 0x3f_ffff, random.below(0x80_0000), random.below(0x80_0000) & -4096]);
  const exponent = random.pick([
    0,
    1,
    2,
    24,
    103,
    104,
    126,
    127,
    128,
    150,
    151,
    158,
    190,
    253,
    254,
    255,
    random.below(256),
    random.between(110, 140),
  ]);
  return (sign | (exponent << 23) | fraction) >>> 0;
}

function double(random: Random): readonly [number, number] {
  const sign = random.chance(2) ? -0x8000_0000 : 0;
  const exponent = random.pick([
    0,
    1,
    2,
    53,
    873,
    874,
    896,
    897,
    970,
    1022,
    1023,
    1024,
    1054,
    1055,
    1075,
    1076,
    1086,
    1150,
    1151,
    2045,
    2046,
    2047,
    random.below(2048),
    random.between(1000, 1050),
    random.between(1000, 1050),
  ]);
  const high = random.pick([0, 0xf_ffff, 0x8_0000, random.below(0x10_0000)]);
  const low = random.pick([0, 1, -1, -0x8000_0000, random.bits(), random.bits() & -65536]);
  return [sign | (exponent << 20) | high, low];
}

/** Bits of a register: a double, a boxed single, or what is neither. */
export function floatBits(random: Random): readonly [number, number] {
  const kind = random.below(16);
  if (kind < 8) return double(random);
  if (kind < 15) return [-1, single(random)];
  return [random.bits(), random.bits()];
}
