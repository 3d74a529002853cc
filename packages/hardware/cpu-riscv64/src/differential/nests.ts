import { anyStyle, firstIndex, item, nextIndex, type Style, step } from './loops.ts';
import type { Random } from './random.ts';
import { TANGLE_CODE, TANGLE_DATA, TANGLE_DATA_BYTES, TANGLE_STACK } from './tangles.ts';
import * as Word from './words.ts';

/**
 * Random programs of nested loops and calls as compilers write them: loops that are entered at their condition, at their beginning or in two places, left at their end or
 * in the middle; right behind calls, which may be of small functions or of larger ones with loops, direct or by a register, one directly behind another.
 */
const [RA, SP, A7] = [1, 2, 17] as const;
const POINTERS = [8, 9, 18] as const;
const [STRIDE, TABLE, FOLLOWER] = [19, 22, 27] as const;
/** Of loops, by how deep they are. */
const COUNTS = [20, 21, 23, 24, 30, 31] as const;
/** Hold functions' addresses. */
const CALLEES = [3, 4, 15, 16] as const;
const SUMS = [10, 11, 12, 13, 14] as const;
const TEMPORARIES = [6, 7, 28, 29] as const;
const FUNCTIONS = 5;

/** What is written: instructions at a place, in words from the beginning of the program. */
type Part = (at: number) => readonly number[];

class Nest {
  readonly #random: Random;
  readonly #style: Style;
  /** Where functions begin, in words; those that are written later are called by those before. */
  readonly #functions: number[] = [];

  constructor(random: Random) {
    this.#random = random;
    this.#style = anyStyle(random);
  }

  program(): Uint8Array {
    const random = this.#random;
    const words: number[] = [0];
    for (let i = 0; i < FUNCTIONS; i++) {
      this.#functions.push(words.length);
      words.push(...this.#function(i)(words.length));
    }
    words[0] = Word.jal(0, words.length * 4);
    words.push(...Word.li(SP, TANGLE_STACK), ...Word.li(TABLE, TANGLE_DATA), ...Word.li(STRIDE, random.pick([0, 4, 8, 8, 16, 24, 3, -8])));
    for (const register of CALLEES) words.push(...Word.li(register, TANGLE_CODE + 4 * random.pick(this.#functions)));
    words.push(...this.#pointers(), ...firstIndex(random, this.#style), Word.addi(FOLLOWER, POINTERS[0], 8));
    words.push(...Word.li(COUNTS[5], random.between(1, 3)));
    const again = words.length;
    words.push(...this.#body(0, 3)(words.length));
    words.push(Word.addi(COUNTS[5], COUNTS[5], -1), Word.branch(1, COUNTS[5], 0, 8), Word.jal(0, 8));
    words.push(Word.jal(0, (again - words.length) * 4));
    words.push(Word.addi(A7, 0, 93), Word.ECALL);
    return new Uint8Array(Uint32Array.from(words).buffer);
  }

  #pointers(): number[] {
    const random = this.#random;
    return POINTERS.flatMap((pointer) => {
      const at = TANGLE_DATA + random.between(-64, TANGLE_DATA_BYTES + 64);
      return random.chance(3) && pointer !== POINTERS[0] ? [] : Word.li(pointer, random.chance(4) ? at : at & -8);
    });
  }

  /** Parts behind each other. */
  #sequence(parts: readonly Part[]): Part {
    return (at) => {
      const words: number[] = [];
      for (const part of parts) words.push(...part(at + words.length));
      return words;
    };
  }

  #function(index: number): Part {
    const random = this.#random;
    // Those that are called last have no loops and call nothing.
    if (index < 2) {
      const small = index === 0 ? this.#items(random.between(0, 3)) : this.#items(random.between(20, 40));
      return this.#sequence([() => small, () => [Word.jalr(0, RA, 0)]]);
    }
    const body = this.#body(index === 2 ? 4 : 3 - (index & 1), 1, index);
    const out = random.chance(3) ? this.#out() : [];
    return this.#sequence([
      () => [Word.addi(SP, SP, -16), Word.sd(RA, SP, 8)],
      body,
      () => [...out, Word.ld(RA, SP, 8), Word.addi(SP, SP, 16), Word.jalr(0, RA, 0)],
    ]);
  }

  #out(): number[] {
    return [Word.addi(this.#random.pick(SUMS), this.#random.pick(TEMPORARIES), 1)];
  }

  #items(count: number): number[] {
    const random = this.#random;
    return Array.from({ length: count }, () => item(random, this.#style)).flat();
  }

  /** `depth`: of its loops; `more`: how deep they may nest; `callable`: functions below this one are called. */
  #body(depth: number, more: number, callable = FUNCTIONS): Part {
    const random = this.#random;
    const parts = Array.from({ length: random.between(1, more > 1 ? 4 : 3) }, (): Part => {
      const kind = random.below(8);
      if (kind < 3 && more > 0 && depth < 5) return this.#loop(depth, more, callable);
      if (kind === 3 || kind === 4) return this.#call(callable);
      if (kind === 5) return () => [Word.addi(A7, 0, 1000), Word.ECALL];
      if (kind === 6 && random.chance(2)) {
        const pointers = this.#pointers();
        return () => pointers;
      }
      const items = this.#items(random.between(0, 3));
      return () => items;
    });
    return this.#sequence(parts);
  }

  #call(callable: number): Part {
    const random = this.#random;
    const kind = random.below(4);
    // Only what is written already.
    const most = Math.min(callable, this.#functions.length);
    if (most === 0) return () => [];
    const to = this.#functions[random.below(most)] as number;
    if (kind < 2 || callable < FUNCTIONS) return (at) => [Word.jal(RA, (to - at) * 4)];
    const register = random.pick(CALLEES);
    return () => (kind === 2 ? [Word.jalr(RA, register, 0)] : [Word.jalr(RA, register, 0), Word.jalr(RA, random.pick(CALLEES), 0)]);
  }

  /** A turn's instructions. */
  #turn(depth: number, more: number, callable: number): Part {
    const random = this.#random;
    const isInner = more <= 1 || random.chance(2);
    const items = this.#items(random.between(isInner ? 1 : 0, 4));
    const moves: number[] = [];
    for (const pointer of POINTERS) {
      if (random.chance(3)) continue;
      moves.push(random.chance(6) ? Word.rType(0x33, 0, 0, pointer, pointer, STRIDE) : Word.addi(pointer, pointer, step(random)));
    }
    if (random.chance(2)) moves.push(nextIndex(random));
    if (random.chance(2)) moves.push(Word.addi(FOLLOWER, POINTERS[0], 8));
    const inner = isInner ? () => [] : this.#body(depth + 1, more - 1, callable);
    return random.chance(2) ? this.#sequence([inner, () => items, () => moves]) : this.#sequence([() => items, () => moves, inner]);
  }

  #loop(depth: number, more: number, callable: number): Part {
    const random = this.#random;
    const count = COUNTS[depth] as number;
    const turns = Word.addi(count, 0, random.between(1, more > 1 ? 5 : random.chance(2) ? 12 : 200));
    const first = this.#turn(depth, more, callable);
    const condition = this.#items(random.below(3));
    const counted = random.chance(2)
      ? [Word.addi(count, count, -1)]
      : [Word.addi(count, count, -1), Word.addi(random.pick(SUMS), count, 0)];
    const early = (over: number): number[] =>
      random.chance(3) ? [Word.branch(random.pick([0, 1, 4, 6]), random.pick(SUMS), random.pick(TEMPORARIES), over)] : [];
    const kind = random.below(5);
    const setting = random.chance(6) ? [] : [turns];
    return (at) => {
      const begin = at + setting.length;
      switch (kind) {
        case 0: {
          // Entered at its condition.
          const body = first(begin + 1);
          const test = [...condition, ...counted];
          const way = body.length + test.length;
          return [...setting, Word.jal(0, (1 + body.length) * 4), ...body, ...test, Word.branch(5, count, 0, -way * 4)];
        }
        case 1: {
          // Left in the middle; goes on at its beginning.
          const body = first(begin);
          const rest = [...condition];
          const out = Word.branch(5, 0, count, (1 + rest.length + 1) * 4);
          const way = body.length + counted.length + 1 + rest.length;
          return [...setting, ...body, ...counted, out, ...rest, Word.jal(0, -way * 4)];
        }
        case 2: {
          // Entered in its middle or at its beginning.
          const body = first(begin + 1);
          const test = [...condition, ...counted];
          const way = body.length + test.length;
          const enter = Word.branch(random.pick([0, 1, 4, 6]), random.pick(SUMS), random.pick(TEMPORARIES), (1 + body.length) * 4);
          return [...setting, enter, ...body, ...test, Word.branch(5, count, 0, -way * 4)];
        }
        case 3: {
          // Goes on with its next turn early; left there.
          const body = first(begin);
          const over = early((1 + condition.length) * 4);
          const test = [...over, ...condition, ...counted];
          return [...setting, ...body, ...test, Word.branch(5, count, 0, -(body.length + test.length) * 4)];
        }
        default: {
          const body = first(begin);
          return [...setting, ...body, ...counted, Word.branch(5, count, 0, -(body.length + counted.length) * 4)];
        }
      }
    };
  }
}

/** A program to be loaded at its first instruction; it ends with a call of exit. */
export const nestProgram = (random: Random): Uint8Array => new Nest(random).program();
