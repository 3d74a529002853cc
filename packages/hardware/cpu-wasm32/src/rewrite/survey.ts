import type { ModuleInfo } from '../binary/module.ts';
import { Op, OpFc } from '../binary/opcodes.ts';
import { Reader } from '../binary/reader.ts';
import { readLocals, skipImmediate } from './decode.ts';
import { bodyBytes, Pace, type Pieces } from './pieces.ts';

/** How a function is rewritten. */
export const FunctionKind = {
  /** Short, without loops, calls only such: left as it is; its caller pays its cost. */
  PLAIN: 0,
  /** Longer, still without loops and calls that could be left: counts its own fuel, cannot be left. */
  METERED: 1,
  /** Checks fuel and can be left and entered again at its resume points. */
  UNWINDING: 2,
} as const;

/** Most instructions of a PLAIN function, callees included; of a METERED one. */
const PLAIN_COST = 64;
const METERED_COST = 256;
/** memory.copy and memory.fill of a constant size up to this need no checkpoint of their own. */
export const SMALL_BULK_BYTES = 1024;

export interface Survey {
  /** By function index, imports included (they are UNWINDING: each is wrapped in a function that can be left). */
  readonly kind: Uint8Array;
  /** Most instructions that a PLAIN or METERED function can run. */
  readonly cost: Float64Array;
  /** Function indexes that occur in ref.func. */
  readonly referenced: ReadonlySet<number>;
  /** Some instruction changes a table's elements. */
  readonly changesTables: boolean;
  readonly dropsData: ReadonlySet<number>;
  readonly dropsElements: ReadonlySet<number>;
  /** memory.init or data.drop occurs. */
  readonly usesData: boolean;
}

/** Whether an instruction is counted: structure costs nothing. */
export const isCounted = (op: number): boolean => op > Op.LOOP && op !== Op.END && op !== Op.ELSE;

class Surveyor {
  readonly kind: Uint8Array;
  readonly cost: Float64Array;
  readonly referenced = new Set<number>();
  readonly dropsData = new Set<number>();
  readonly dropsElements = new Set<number>();
  changesTables = false;
  usesData = false;
  /** Callees of all functions one after the other, and where each function's begin. */
  private readonly callees: number[] = [];
  private readonly firstCallee: Int32Array;
  private readonly module: ModuleInfo;

  constructor(module: ModuleInfo) {
    this.module = module;
    const count = module.functions.length;
    this.kind = new Uint8Array(count).fill(FunctionKind.UNWINDING);
    this.cost = new Float64Array(count);
    this.firstCallee = new Int32Array(count + 1);
  }

  *run(): Pieces<Survey> {
    const { module } = this;
    const imports = module.imports.length;
    const candidate = new Uint8Array(module.functions.length);
    const pace = new Pace();
    for (let f = imports; f < module.functions.length; f++) {
      if (pace.before(bodyBytes(module, f))) yield;
      this.firstCallee[f] = this.callees.length;
      const at = 2 * (f - imports);
      candidate[f] = this.body(f, new Reader(module.bytes, module.bodies[at], module.bodies[at + 1])) ? 1 : 0;
    }
    this.firstCallee[module.functions.length] = this.callees.length;
    this.settle(candidate);
    return this;
  }

  /** Returns whether the function by itself could do without resume points. */
  private body(index: number, reader: Reader): boolean {
    readLocals(reader, () => {});
    let leaf = true;
    let cost = 0;
    let constant = -1;
    while (!reader.done) {
      const op = reader.byte();
      if (isCounted(op)) cost++;
      if (op === Op.I32_CONST) {
        constant = reader.s32();
        continue;
      }
      if (op === Op.LOOP || op === Op.CALL_INDIRECT || op === Op.RETURN_CALL_INDIRECT) leaf = false;
      if (op === Op.CALL || op === Op.RETURN_CALL) this.callees.push(reader.u32());
      else if (op === Op.REF_FUNC) this.referenced.add(reader.u32());
      else if (op === Op.PREFIX_FC) leaf = this.bulk(reader, constant) && leaf;
      else {
        if (op === Op.TABLE_SET) this.changesTables = true;
        skipImmediate(reader, op);
      }
      constant = -1;
    }
    this.cost[index] = cost;
    return leaf;
  }

  /** Returns whether the instruction does a bounded amount of work. */
  private bulk(reader: Reader, constant: number): boolean {
    const start = reader.at;
    const op = reader.u32();
    const operand = op >= OpFc.MEMORY_INIT ? reader.u32() : 0;
    reader.at = start;
    skipImmediate(reader, Op.PREFIX_FC);
    if (op === OpFc.MEMORY_INIT || op === OpFc.DATA_DROP) this.usesData = true;
    if (op === OpFc.DATA_DROP) this.dropsData.add(operand);
    else if (op === OpFc.ELEM_DROP) this.dropsElements.add(operand);
    else if (op === OpFc.TABLE_INIT || op === OpFc.TABLE_COPY || op === OpFc.TABLE_GROW || op === OpFc.TABLE_FILL)
      this.changesTables = true;
    return !isLargeBulk(op, constant);
  }

  /** From the leaves of the call graph up: a function is light when all its callees are, and together they cost little. */
  private settle(candidate: Uint8Array): void {
    const count = this.module.functions.length;
    const open = new Int32Array(count);
    const callerLists: number[][] = Array.from({ length: count }, () => []);
    const ready: number[] = [];
    for (let f = this.module.imports.length; f < count; f++) {
      if (!candidate[f]) continue;
      open[f] = this.firstCallee[f + 1]! - this.firstCallee[f]!;
      for (let c = this.firstCallee[f]!; c < this.firstCallee[f + 1]!; c++) callerLists[this.callees[c]!]?.push(f);
      if (open[f] === 0) ready.push(f);
    }
    for (let f = ready.pop(); f !== undefined; f = ready.pop()) {
      let cost = this.cost[f]!;
      for (let c = this.firstCallee[f]!; c < this.firstCallee[f + 1]!; c++) cost += this.cost[this.callees[c]!]!;
      this.cost[f] = cost;
      if (cost > METERED_COST) continue;
      this.kind[f] = cost <= PLAIN_COST ? FunctionKind.PLAIN : FunctionKind.METERED;
      for (const caller of callerLists[f]!) if (--open[caller]! === 0) ready.push(caller);
    }
  }
}

/** Whether a bulk instruction is a checkpoint: those of the memory whose size is not known to be small. `constant` < 0: size unknown. */
export function isLargeBulk(op: number, constant: number): boolean {
  if (op !== OpFc.MEMORY_COPY && op !== OpFc.MEMORY_FILL && op !== OpFc.MEMORY_INIT) return false;
  return constant < 0 || constant > SMALL_BULK_BYTES;
}

export const survey = (module: ModuleInfo): Pieces<Survey> => new Surveyor(module).run();
