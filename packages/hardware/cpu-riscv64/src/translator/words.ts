import type { Instruction, LoadOp } from '../isa/instruction.ts';
import { type I64, i32, i64 } from '../wasm/expression.ts';
import type { Flow } from './flow.ts';
import { LOAD } from './guest.ts';
import type { Lifetimes } from './lifetimes.ts';
import type { Op } from './op.ts';
import { Recorder, type Registers } from './operands.ts';
import { type Block, calls, type Region, successors } from './region.ts';

/**
 * Which integer registers are held in 32 bits where. A register that holds the sign extension of its low half, a word, is held as that half: hosts
 * extend it only where all of it is used, and what words are computed from is computed in 32 bits. It is known where each block begins, from the
 * instructions on all ways there within the region. Where the region is entered registers may hold anything: what is a word on the ways from
 * within is taken for one, and the entry must look whether it is.
 */
export interface Words {
  /** How registers are held when a block begins. */
  readonly start: ReadonlyMap<number, Held>;
  /** Registers that are words anywhere. */
  readonly ever: number;
}

/** How integer registers are held: bit n for xn. All others are held in 64 bits. */
export interface Held {
  readonly words: number;
  /** Of the words those that are not negative. */
  readonly naturals: number;
}

/** What an instruction makes of the register that it writes. */
export const Form = { WIDE: 0, WORD: 1, NATURAL: 2, NONE: 3 } as const;
export type FormCode = (typeof Form)[keyof typeof Form];

export const NONE: Held = { words: 0, naturals: 0 };
const ALL: Held = { words: -2, naturals: -2 };
const both = (a: Held, b: Held): Held => ({ words: a.words & b.words, naturals: a.naturals & b.naturals });
const isSame = (a: Held, b: Held): boolean => a.words === b.words && a.naturals === b.naturals;

/** `read`: registers whose values when a block begins are operands of instructions. */
export function planWords(region: Region, flow: Flow, read: ReadonlyMap<number, Registers>): Words {
  return new Planner(region, flow, read).plan();
}

class Planner {
  readonly #region: Region;
  readonly #order: readonly number[];
  readonly #read: ReadonlyMap<number, Registers>;
  readonly #loops: ReadonlySet<number>;
  readonly #start = new Map<number, Held>();
  /** Registers that are words by a computation in the region, on some way to the block. */
  readonly #computed = new Map<number, number>();
  /** Blocks that another one earlier in the order leads to. */
  readonly #led = new Set<number>();
  readonly #pending: Set<number>;

  constructor(region: Region, { items, order }: Flow, read: ReadonlyMap<number, Registers>) {
    this.#region = region;
    this.#order = order;
    this.#read = read;
    this.#loops = new Set(items.flatMap(({ body, members }) => (body === undefined ? [] : [...members])));
    this.#pending = new Set(order);
  }

  plan(): Words {
    const reached = new Set<number>();
    const seen = new Set<number>();
    for (const pc of this.#order) {
      seen.add(pc);
      for (const to of leadsTo(this.#region, this.#region.blocks.get(pc) as Block)) {
        reached.add(to);
        if (!seen.has(to)) this.#led.add(to);
      }
    }
    for (const pc of this.#order) this.#start.set(pc, reached.has(pc) ? ALL : NONE);
    this.#settle();
    this.#trust();
    this.#settle();
    return { start: this.#start, ever: this.#order.reduce((ever, pc) => ever | this.#everIn(pc), 0) };
  }

  /**
   * Settles what entries take for words: what is read, and only within loops, which they would spoil otherwise. Where nothing but the way back of the
   * loop itself says so, any register that does not change would be called what it is taken for: there it takes a computation in the loop, and
   * not the constant of an empty pointer. What is taken in vain has the interpreter go on, and again each time until it happens to be right.
   */
  #trust(): void {
    for (const pc of this.#region.entries) {
      const read = this.#loops.has(pc) ? (this.#read.get(pc) as Registers).x : 0;
      if (this.#led.has(pc)) this.#narrow(pc, { words: read, naturals: read });
      else this.#narrow(pc, { words: read & (this.#computed.get(pc) ?? 0), naturals: 0 });
    }
  }

  /** Follows all ways until nothing changes. */
  #settle(): void {
    while (this.#pending.size > 0) {
      for (const pc of this.#order) if (this.#pending.delete(pc)) this.#follow(this.#region.blocks.get(pc) as Block);
    }
  }

  #follow(block: Block): void {
    let held = this.#start.get(block.start) as Held;
    let computed = this.#computed.get(block.start) ?? 0;
    for (const op of block.ops) {
      const { form, isComputed } = resultOf(op, held);
      if (form === Form.NONE) continue;
      held = heldAfter(op, held, form);
      const bit = 1 << op.rd;
      computed = isComputed ? computed | bit : computed & ~bit;
    }
    // What comes back from a call is loaded anew.
    const [after, made] = calls(block) ? [NONE, 0] : [held, computed];
    for (const to of leadsTo(this.#region, block)) {
      this.#narrow(to, after);
      const known = this.#computed.get(to) ?? 0;
      if ((made & ~known) === 0) continue;
      this.#computed.set(to, known | made);
      this.#pending.add(to);
    }
  }

  #everIn(pc: number): number {
    let ever = 0;
    eachState(this.#region.blocks.get(pc) as Block, this.#start.get(pc) as Held, ({ words }) => {
      ever |= words;
    });
    return ever;
  }

  #narrow(pc: number, more: Held): void {
    const before = this.#start.get(pc) as Held;
    const now = both(before, more);
    if (isSame(before, now)) return;
    this.#start.set(pc, now);
    this.#pending.add(pc);
  }
}

/** Blocks that may run directly after this one. An indirect jump within the region goes to an entry. */
const leadsTo = (region: Region, block: Block): readonly number[] =>
  block.end.kind === 'jumpIndirect' ? region.entries : successors(region, block);

/** How registers are held after an instruction with a result of that form. */
export function heldAfter({ rd }: Op, { words, naturals }: Held, form: FormCode): Held {
  const bit = 1 << rd;
  return {
    words: form === Form.WIDE ? words & ~bit : words | bit,
    naturals: form === Form.NATURAL ? naturals | bit : naturals & ~bit,
  };
}

/** Visits how registers are held when a block begins, and after each of its instructions that writes one. */
function eachState({ ops }: Block, start: Held, visit: (held: Held) => void): void {
  let held = start;
  visit(held);
  for (const op of ops) {
    const { form } = resultOf(op, held);
    if (form === Form.NONE) continue;
    held = heldAfter(op, held, form);
    visit(held);
  }
}

/** How registers are held wherever a block may be left for one of the kinds of exits, by kind: those that are words at all such places. */
export function heldAtExits(region: Region, { start }: Words, { exitKind, exitKinds }: Lifetimes): readonly Held[] {
  const held = exitKinds.map(() => ALL);
  for (const [pc, kind] of exitKind) {
    eachState(region.blocks.get(pc) as Block, start.get(pc) as Held, (state) => {
      held[kind] = both(held[kind] as Held, state);
    });
  }
  return held;
}

// ───── results ─────

interface Result {
  readonly form: FormCode;
  /** Whether the word is not a mere constant. */
  readonly isComputed: boolean;
}

/** What an operand is. */
const Operand = { WIDE: 0, WORD: 1, NATURAL: 2, ZERO: 3 } as const;
type OperandCode = (typeof Operand)[keyof typeof Operand];

function operandOf(register: number, { words, naturals }: Held): OperandCode {
  if (register === 0) return Operand.ZERO;
  if (((words >>> register) & 1) === 0) return Operand.WIDE;
  return ((naturals >>> register) & 1) === 0 ? Operand.WORD : Operand.NATURAL;
}

const OPERANDS: Readonly<Record<OperandCode, I64>> = [
  { type: 'i64', write: () => undefined },
  i64.extendS({ type: 'i32', write: () => undefined }),
  i64.extendS({ type: 'i32', isNatural: true, write: () => undefined }),
  i64.const(0),
];
/** Immediates of which all others are like one: facts of expressions tell constants apart by their sign, by being 0 and by being a shift within a word. */
const IMMEDIATES = [-1, 0, 1, 32] as const;
const immediateLike = (imm: number): number => (imm < 0 ? 0 : imm === 0 ? 1 : imm < 32 ? 2 : 3);
/** Addresses below this one are natural numbers, as are those of the instructions behind them; none of either is 0. */
const LOW_END = 2 ** 31 - 4;

const known = new Map<Instruction, (Result | undefined)[]>();
const NO_RESULT: Result = { form: Form.NONE, isComputed: false };

/** What an instruction writes to rd. Found by running its effect, and remembered by what it depends on. */
export function resultOf({ row, rd, rs1, rs2, imm, pc }: Op, held: Held): Result {
  if (rd === 0) return NO_RESULT;
  let results = known.get(row);
  if (results === undefined) {
    results = [];
    known.set(row, results);
  }
  const first = operandOf(rs1, held);
  const second = operandOf(rs2, held);
  const like = immediateLike(imm);
  const isLow = pc < LOW_END;
  const key = first | (second << 2) | (like << 4) | (isLow ? 64 : 0);
  let result = results[key];
  if (result === undefined) {
    const recorder = new FormRecorder(OPERANDS[first], OPERANDS[second], IMMEDIATES[like] as number, isLow ? 4096 : 2 ** 32);
    row.effect(recorder);
    result = { form: recorder.form, isComputed: recorder.isComputed };
    results[key] = result;
  }
  return result;
}

/** Sees what kind of value an instruction writes. Whatever it does not know of its operands is wide. */
class FormRecorder extends Recorder {
  form: FormCode = Form.NONE;
  isComputed = false;
  override readonly imm: I64;
  override readonly imm32;
  override readonly pc: I64;
  override readonly nextPc: I64;
  readonly #rs1: I64;
  readonly #rs2: I64;

  constructor(rs1: I64, rs2: I64, imm: number, pc: number) {
    super();
    this.#rs1 = rs1;
    this.#rs2 = rs2;
    this.imm = i64.const(imm);
    this.imm32 = i32.const(imm);
    this.pc = i64.const(pc);
    this.nextPc = i64.const(pc);
  }

  override x(operand: 'rs1' | 'rs2'): I64 {
    return operand === 'rs1' ? this.#rs1 : this.#rs2;
  }

  override f(): I64 {
    return OPERANDS[Operand.WIDE];
  }

  override load(op: LoadOp): I64 {
    return LOAD[op].load(i32.const(0), 0);
  }

  override placeLoad(size: 4 | 8): I64 {
    return LOAD[size === 4 ? 'load32s' : 'load64'].load(i32.const(0), 0);
  }

  /** An instruction may write in several places, one of which is reached. */
  override setX(value: I64): void {
    const form = formOf(value);
    this.form = this.form === Form.NONE || form < this.form ? form : this.form;
    this.isComputed = this.form !== Form.WIDE && value.value === undefined;
  }
}

/** The closest form of a value. */
export function formOf({ isWord, isNatural }: I64): FormCode {
  return isNatural === true ? Form.NATURAL : isWord === true ? Form.WORD : Form.WIDE;
}
