import { describe, expect, it } from 'vitest';
import { Bytes } from './bytes.ts';
import { type Expr, type I32, type I64, i32, i64, type ValueType } from './expression.ts';
import { ModuleBuilder } from './module.ts';

const WORDS = [0, 1, 2, 31, 0x80, 0xffff, 0x7fff_ffff, -0x8000_0000, -1, -2, 0x1234_5678, -0x1234_5678];
const NATURALS = WORDS.filter((word) => word >= 0);

/** What an expression made of two operands gives. The operands are extended words: as such, or with nothing known of them. */
type Case = (a: I64, b: I64) => I64;
const flag = (condition: I32): I64 => i64.extendU(condition);
const ordered = ['eq', 'ne', 'ltS', 'ltU', 'gtS', 'gtU', 'leS', 'leU', 'geS', 'geU'] as const;
const CASES: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(ordered.map((name): [string, Case] => [name, (a, b) => flag(i64[name](a, b))])),
  and: i64.and,
  or: i64.or,
  xor: i64.xor,
  'and with a constant': (a) => i64.and(a, i64.const(0x7f0)),
  'and with a negative constant': (a) => i64.and(a, i64.const(-16)),
  'xor with all ones': (a) => i64.xor(a, i64.const(-1)),
  'less than a constant': (a) => flag(i64.ltU(a, i64.const(-5))),
  'shrS by 0': (a) => i64.shrS(a, i64.const(0)),
  'shrS by 7': (a) => i64.shrS(a, i64.const(7)),
  'shrS by 32': (a) => i64.shrS(a, i64.const(32)),
  'shrU by 0': (a) => i64.shrU(a, i64.const(0)),
  'shrU by 7': (a) => i64.shrU(a, i64.const(7)),
  'shrU by 33': (a) => i64.shrU(a, i64.const(33)),
  extend32: i64.extend32,
  'sum of halves': (a, b) => i64.extendS(i32.add(i32.wrap(a), i32.wrap(b))),
  'half and 0': (a) => i64.extendS(i32.add(i32.wrap(a), i32.const(0))),
  'half shifted': (a) => i64.extendS(i32.shrU(i32.wrap(a), i32.const(3))),
  'half shifted by its other half': (a, b) => i64.extendS(i32.shrU(i32.wrap(a), i32.wrap(b))),
  'arithmetically shifted': (a, b) => i64.extendS(i32.shrS(i32.wrap(a), i32.wrap(b))),
  'half without a sign': (a) => i64.extendU(i32.wrap(a)),
  'bits counted': (a) => i64.extendS(i32.clz(i32.wrap(a))),
};

/** For each case three functions of two words: whether operands are known to be words or natural, and of the result whether it is what it says. */
function evaluate(): {
  name: string;
  isNatural: boolean;
  run: (a: number, b: number) => bigint;
  facts: (a: number, b: number) => bigint;
}[] {
  const module = new ModuleBuilder(0);
  const made: { name: string; isNatural: boolean }[] = [];
  for (const [name, make] of Object.entries(CASES)) {
    for (const isNatural of [false, true]) {
      made.push({ name, isNatural });
      const at = `${made.length - 1}`;
      module.function(
        ['i32', 'i32'],
        'i64',
        (code, [x, y]) => code.return(make(code.let(i64.extendS(x)), code.let(i64.extendS(y)))),
        `wide${at}`,
      );
      const word = (half: I32): I64 => i64.extendS(isNatural ? i32.natural(half) : half);
      module.function(['i32', 'i32'], 'i64', (code, [x, y]) => code.return(make(word(x), word(y))), `word${at}`);
      // What its facts say of the result: as good as the result if they are right.
      module.function(
        ['i32', 'i32'],
        'i64',
        (code, [x, y]) => {
          const result = make(word(x), word(y));
          if (result.isNatural === true) code.return(i64.extendU(i32.and(i32.wrap(result), i32.const(0x7fff_ffff))));
          else if (result.isWord === true) code.return(i64.extendS(i32.wrap(result)));
          else code.return(i64.or(i64.and(result, i64.words(-1, 0)), i64.extendU(i32.wrap(result))));
        },
        `facts${at}`,
      );
    }
  }
  const memory = new WebAssembly.Memory({ initial: 0 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
  const of = (name: string): ((a: number, b: number) => bigint) => exports[name] as (a: number, b: number) => bigint;
  return made.map(({ name, isNatural }, i) => {
    const [wide, word, facts] = [of(`wide${i}`), of(`word${i}`), of(`facts${i}`)];
    const run = (a: number, b: number): bigint => {
      expect(word(a, b), `${name} of ${a} and ${b}`).toBe(wide(a, b));
      return wide(a, b);
    };
    return { name, isNatural, run, facts };
  });
}

describe('expressions of words', () => {
  it.each(evaluate())('give what those of 64 bits do: $name, natural $isNatural', ({ isNatural, run, facts }) => {
    const operands = isNatural ? NATURALS : WORDS;
    for (const a of operands) for (const b of operands) expect(facts(a, b), `${a} and ${b}`).toBe(run(a, b));
  });

  it('are taken for words only if both operands are', () => {
    const wide: I64 = { type: 'i64', write: () => undefined };
    const word = i64.extendS({ type: 'i32', write: () => undefined });
    for (const name of [...ordered, 'and', 'or', 'xor'] as const) {
      expect(written(i64[name](wide, word)).slice(0, 1), name).toEqual([0xac]);
      expect(written(i64[name](word, wide)).slice(0, 1), name).toEqual([0xac]);
      expect(i64[name](wide, word).isWord ?? false, name).toBe(false);
    }
    expect(i64.shrS(wide, i64.const(3)).isWord ?? false).toBe(false);
    expect(i64.shrU(word, i64.const(3)).isWord ?? false).toBe(false);
  });

  it('are written without an extension where none is needed', () => {
    const word = i64.extendS({ type: 'i32', write: () => undefined });
    expect(written(i32.wrap(word))).toEqual([]);
    expect(written(i64.xor(word, word))).toEqual([0x73, 0xac]);
    expect(written(i64.ltU(word, i64.const(5)))).toEqual([0x41, 5, 0x49]);
    expect(written(i64.and(word, i64.const(5)))).toEqual([0x41, 5, 0x71, 0xad]);
    expect(written(i64.and({ type: 'i64', write: () => undefined }, i64.const(-5)))).toEqual([0x42, 0x7b, 0x83]);
  });

  it('load once, all or a half', () => {
    const loaded = i64.load32s(i32.const(8), 4);
    expect(written(loaded)).toEqual([0x41, 8, 0x34, 0, 4]);
    expect(written(i32.wrap(loaded))).toEqual([0x41, 8, 0x28, 0, 4]);
    expect([loaded.isWord, loaded.isNatural]).toEqual([true, false]);
    expect(i64.load32u(i32.const(8)).isWord).toBe(false);
    expect(i64.load16u(i32.const(8)).isNatural).toBe(true);
  });

  it('take of constants only those within 32 bits for words', () => {
    const facts = [0, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32].map((value) => {
      const { isWord, isNatural } = i64.const(value);
      return [isWord, isNatural];
    });
    expect(facts).toEqual([
      [true, true],
      [true, true],
      [false, false],
      [true, false],
      [false, false],
      [false, false],
    ]);
  });
});

function written(value: Expr<ValueType>): number[] {
  const out = new Bytes();
  value.write(out);
  return [...out.view()];
}
