import * as Layout from '../layout.ts';
import type { Code, Local } from '../wasm/code.ts';
import { type I64, i32, i64 } from '../wasm/expression.ts';
import type { Op } from './op.ts';
import { eachRegister, has } from './operands.ts';

import { Form, type FormCode, formOf, type Held, heldAfter, NONE, resultOf } from './words.ts';

const zero = i32.const(0);

/**
 * The guest's integer registers in locals while a region is written: each in an i64, or where it is a word in an i32. What is written for an
 * instruction reads registers as they were held before it.
 */
export class Integers {
  readonly #code: Code;
  readonly #used: number;
  readonly #ever: number;
  readonly #wide: (Local<'i64'> | undefined)[] = [];
  readonly #words: (Local<'i32'> | undefined)[] = [];
  #held = NONE;
  #before = NONE;
  #form: FormCode = Form.NONE;

  /** `used`: registers that are held; `ever`: those of them that are words anywhere. */
  constructor(code: Code, used: number, ever: number) {
    this.#code = code;
    this.#used = used & ~1;
    this.#ever = ever & this.#used;
    for (let r = 0; r < 32; r++) {
      this.#wide.push(has(this.#used, r) ? code.local('i64') : undefined);
      this.#words.push(has(this.#ever, r) ? code.local('i32') : undefined);
    }
  }

  /** How they are held now. */
  get held(): Held {
    return this.#held;
  }

  /** A block begins in which they are held so. */
  begin(held: Held): void {
    this.#held = held;
    this.#before = held;
  }

  /** An instruction begins. */
  next(op: Op): void {
    this.#before = this.#held;
    const { form } = resultOf(op, this.#before);
    this.#form = form;
    if (form !== Form.NONE) this.#held = heldAfter(op, this.#before, form);
  }

  /** An operand of the instruction. */
  operand(r: number): I64 {
    return r === 0 ? i64.const(0) : this.#value(r, this.#before);
  }

  /** The value now. */
  value(r: number): I64 {
    return this.#value(r, this.#held);
  }

  /** Sets the instruction's result. */
  set(r: number, value: I64): void {
    if (this.#form === Form.WIDE) this.#code.set(this.#wide[r] as Local<'i64'>, value);
    else if (formOf(value) < this.#form) throw new Error(`x${r} was to be a word`);
    else this.#code.set(this.#words[r] as Local<'i32'>, i32.wrap(value));
  }

  /** Those of `registers` that are words now go to their i64 too. */
  widen(registers: number): void {
    this.#widen(registers, this.#held);
  }

  /** The same where the instruction is left before it does anything. */
  widenBefore(registers: number): void {
    this.#widen(registers, this.#before);
  }

  /** Loads registers from memory to their i64. */
  load(registers: number): void {
    eachRegister(registers & this.#used, (r) => this.#code.set(this.#wide[r] as Local<'i64'>, i64.load(zero, Layout.X + r * 8)));
  }

  /** Makes words of registers that are in their i64. Gives what is 0 if all of them are, and those that should be natural are. */
  narrow({ words, naturals }: Held): I64 {
    let rest: I64 = i64.const(0);
    eachRegister(words & this.#ever, (r) => {
      const local = this.#words[r] as Local<'i32'>;
      const wide = this.#wide[r] as Local<'i64'>;
      this.#code.set(local, i32.wrap(wide));
      const more = has(naturals, r) ? i64.shrU(wide, i64.const(31)) : i64.xor(wide, i64.extendS(local));
      rest = rest.value === 0 ? more : i64.or(rest, more);
    });
    return rest;
  }

  #widen(registers: number, held: Held): void {
    eachRegister(registers & held.words & this.#used, (r) => this.#code.set(this.#wide[r] as Local<'i64'>, this.#value(r, held)));
  }

  #value(r: number, { words, naturals }: Held): I64 {
    if (!has(words, r)) return this.#wide[r] as Local<'i64'>;
    const local = this.#words[r] as Local<'i32'>;
    return i64.extendS(has(naturals, r) ? i32.natural(local) : local);
  }
}
