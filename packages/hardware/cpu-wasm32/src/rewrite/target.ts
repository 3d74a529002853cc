import type { FunctionType, ModuleInfo } from '../binary/module.ts';
import { ValueType } from '../binary/opcodes.ts';
import { Writer } from '../binary/writer.ts';
import { EMPTY_BLOCK } from './plan.ts';
import type { Survey } from './survey.ts';

/** Version of the rewritten form: saved stacks name it, since the layout of frames depends on it. */
export const REWRITER_VERSION = 1;

const { i32, i64, f32, f64, v128 } = ValueType;

/** The value types that a saved frame can hold, in the order of their push and pop functions. */
export const SAVED_TYPES = [i32, i64, f32, f64, v128] as const;
/** Index in {@link SAVED_TYPES} by value type; references have none. */
export const SAVED_INDEX: Readonly<Record<number, number>> = { [i32]: 0, [i64]: 1, [f32]: 2, [f64]: 3, [v128]: 4 };

/**
 * Functions that every rewritten module imports from `ashlar`, first of all imports.
 * push and pop move values of suspended frames; `reserve` fails when the host's stack is nearly used up; the others call the CPU.
 */
export const SUPPORT: readonly { readonly name: string; readonly params: readonly number[]; readonly results: readonly number[] }[] = [
  { name: 'push_i32', params: [i32], results: [] },
  { name: 'push_i64', params: [i64], results: [] },
  { name: 'push_f32', params: [f32], results: [] },
  { name: 'push_f64', params: [f64], results: [] },
  { name: 'push_v128', params: [v128], results: [] },
  { name: 'pop_i32', params: [], results: [i32] },
  { name: 'pop_i64', params: [], results: [i64] },
  { name: 'pop_f32', params: [], results: [f32] },
  { name: 'pop_f64', params: [], results: [f64] },
  { name: 'pop_v128', params: [], results: [v128] },
  { name: 'reserve', params: [i32], results: [] },
  { name: 'out_of_fuel', params: [], results: [] },
  { name: 'grow', params: [i32], results: [i32] },
  { name: 'result', params: [i32], results: [i32] },
  { name: 'dropped', params: [i32, i32], results: [] },
];

const supportIndex = (name: string): number => SUPPORT.findIndex((each) => each.name === name);
export const PUSH = 0;
export const POP = 5;
export const RESERVE = supportIndex('reserve');
export const OUT_OF_FUEL = supportIndex('out_of_fuel');
export const GROW = supportIndex('grow');
export const RESULT = supportIndex('result');
export const DROPPED = supportIndex('dropped');

/** Values of the state global. */
export const State = { NORMAL: 0, UNWINDING: 1, REWINDING: 2 } as const;

/** Fuel while frames are entered again: so far below zero that every checkpoint looks at the state. */
export const REWIND_FUEL = -(2 ** 30);

const typeKey = (params: ArrayLike<number>, results: ArrayLike<number>): string => `${Array.from(params)}>${Array.from(results)}`;

/** Indexes of the module that is being made. Types keep theirs, others are added behind them. */
export class Target {
  readonly types: FunctionType[];
  private readonly typeIndexes = new Map<string, number>();
  private readonly withoutParams = new Map<number, number>();
  readonly module: ModuleInfo;
  readonly survey: Survey;
  /** Added to each function index of the original. */
  readonly shift: number;
  readonly fuel: number;
  readonly state: number;
  /** What the fuel will be when the frames are back. */
  readonly refill: number;
  /** The point at which a frame goes on. */
  readonly resume: number;

  constructor(module: ModuleInfo, survey: Survey) {
    this.module = module;
    this.survey = survey;
    this.types = [...module.types];
    this.types.forEach((type, index) => {
      this.typeIndexes.set(typeKey(type.params, type.results), index);
    });
    this.shift = SUPPORT.length + module.imports.length;
    this.fuel = module.globals.length;
    this.state = module.globals.length + 1;
    this.refill = module.globals.length + 2;
    this.resume = module.globals.length + 3;
  }

  type(params: ArrayLike<number>, results: ArrayLike<number>): number {
    const key = typeKey(params, results);
    let index = this.typeIndexes.get(key);
    if (index === undefined) {
      index = this.types.push({ params: Uint8Array.from(params), results: Uint8Array.from(results) }) - 1;
      this.typeIndexes.set(key, index);
    }
    return index;
  }

  /** The block type with the same results and no parameters. */
  resultsOnly(blockType: number): number {
    if (blockType < 0) return blockType;
    const type = this.types[blockType]!;
    if (type.params.length === 0) return blockType;
    let found = this.withoutParams.get(blockType);
    if (found === undefined) {
      found = this.blockType(type.results);
      this.withoutParams.set(blockType, found);
    }
    return found;
  }

  /** The block type of a block without parameters. */
  blockType(results: Uint8Array): number {
    if (results.length === 0) return EMPTY_BLOCK;
    if (results.length === 1) return results[0]! - 0x80;
    return this.type([], results);
  }

  params(blockType: number): Uint8Array {
    return blockType >= 0 ? this.types[blockType]!.params : NO_TYPES;
  }

  results(blockType: number): Uint8Array {
    if (blockType >= 0) return this.types[blockType]!.results;
    return blockType === EMPTY_BLOCK ? NO_TYPES : (ONE_TYPE[blockType + 0x80] ?? NO_TYPES);
  }
}

const NO_TYPES = new Uint8Array(0);
const ONE_TYPE: Readonly<Record<number, Uint8Array>> = Object.fromEntries(
  Object.values(ValueType).map((type) => [type, Uint8Array.of(type)]),
);

/** Writes a constant zero (or null) of a type: what a function returns while it is being left. */
export function writeZero(out: Writer, type: number): void {
  if (type === i32) out.copy(ZERO_I32);
  else if (type === i64) out.copy(ZERO_I64);
  else if (type === f32) out.copy(ZERO_F32);
  else if (type === f64) out.copy(ZERO_F64);
  else if (type === v128) out.copy(ZERO_V128);
  else out.op(0xd0, type);
}

const ZERO_I32 = Uint8Array.of(0x41, 0);
const ZERO_I64 = Uint8Array.of(0x42, 0);
const ZERO_F32 = Uint8Array.of(0x43, 0, 0, 0, 0);
const ZERO_F64 = Uint8Array.of(0x44, 0, 0, 0, 0, 0, 0, 0, 0);
const ZERO_V128 = Uint8Array.of(0xfd, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
