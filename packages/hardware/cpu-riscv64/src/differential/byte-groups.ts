import type { Random } from './random.ts';
import * as Word from './words.ts';

/** What a group of bytes is made with: registers by number. */
export interface ByteGroup {
  readonly pointers: readonly number[];
  /** Of these, the one that the group is relative to. */
  readonly pointer: number;
  readonly temporaries: readonly number[];
  /** What is put together or taken apart. */
  readonly whole: number;
}

/** Bytes next to each other that are loaded or stored one by one as compilers have it where addresses may be odd, perhaps with something else among them. */
export function byteGroup(random: Random, group: ByteGroup): number[] {
  const low = random.between(-8, 8);
  const count = random.pick([2, 3, 4, 4, 4, 8, 8]);
  const order = Array.from({ length: count }, (_, byte) => byte);
  if (random.chance(3)) shuffle(random, order);
  const words = random.pick([putTogether, takenApart, copied, scattered])(random, group, low, order);
  if (random.chance(4)) words.splice(random.below(words.length), 0, interruption(random, group, low));
  if (random.chance(8)) words.splice(random.below(words.length), 1);
  return words;
}

function shuffle(random: Random, order: number[]): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
}

/** A number from its bytes: shifted, and joined by `or`. */
function putTogether(random: Random, { pointer, temporaries, whole }: ByteGroup, low: number, order: readonly number[]): number[] {
  const byte = random.pick(temporaries);
  const isWord = random.chance(3);
  return order.flatMap((number, k) => {
    const into = k === 0 ? whole : byte;
    const shift = isWord && number < 4 ? Word.slliw : Word.slli;
    const shifted = number === 0 ? [] : [shift(into, into, number * 8)];
    const join = random.chance(2) ? Word.or(whole, whole, byte) : Word.or(whole, byte, whole);
    return [Word.lbu(into, pointer, low + number), ...shifted, ...(k === 0 ? [] : [join])];
  });
}

/** The bytes of a number, perhaps without its lowest. */
function takenApart(random: Random, { pointer, temporaries, whole }: ByteGroup, low: number, order: readonly number[]): number[] {
  const byte = random.pick(temporaries);
  const without = random.below(2);
  return order.flatMap((number) => {
    const by = ((number + without) & 7) * 8;
    if (by === 0) return [Word.store(0, whole, pointer, low + number)];
    const shift = by < 32 && random.chance(4) ? Word.srliw : Word.srli;
    return [shift(byte, whole, by), Word.store(0, byte, pointer, low + number)];
  });
}

/** A few bytes from one place to another: all loads, then all stores. */
function copied(random: Random, { pointers, pointer, temporaries }: ByteGroup, low: number, order: readonly number[]): number[] {
  const to = random.pick(pointers);
  const distance = random.between(-8, 8);
  const bytes = order.slice(0, 4).map((number, k) => [number, temporaries[k] as number] as const);
  const loads = bytes.map(([number, register]) => Word.lbu(register, pointer, low + number));
  return [...loads, ...bytes.map(([number, register]) => Word.store(0, register, to, distance + number))];
}

/** Bytes of any registers. */
function scattered(random: Random, { pointer, temporaries, whole }: ByteGroup, low: number, order: readonly number[]): number[] {
  return order.slice(0, 5).map((number) => Word.store(0, random.pick([whole, 0, ...temporaries]), pointer, low + number));
}

/** An access nearby, or a change of a register. */
function interruption(random: Random, { pointers, pointer, temporaries, whole }: ByteGroup, low: number): number {
  const at = low + random.below(8);
  const register = random.pick(temporaries);
  switch (random.below(4)) {
    case 0:
      return Word.store(0, register, random.pick(pointers), at);
    case 1:
      return Word.lbu(register, pointer, at);
    case 2:
      return Word.addi(random.pick([register, whole]), register, 1);
    default:
      return Word.addi(pointer, pointer, 1);
  }
}
