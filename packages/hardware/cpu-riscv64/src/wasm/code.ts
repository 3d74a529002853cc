import { Bytes } from './bytes.ts';
import { type Expr, type F32, type F64, type I32, type I64, typeCode, type ValueType } from './expression.ts';

/** A wasm local; as an expression it is its value. */
export interface Local<T extends ValueType> extends Expr<T> {
  readonly index: number;
}

class Variable<T extends ValueType> implements Local<T> {
  readonly type: T;
  readonly index: number;

  constructor(type: T, index: number) {
    this.type = type;
    this.index = index;
  }

  write(out: Bytes): void {
    writeIndexed(out, 0x20, this.index);
  }
}

/** A function of the module under construction, by index. */
export interface Callee {
  readonly index: number;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A branch hint: where in the function the branch is, from its local declarations on, and whether it is usually taken. */
export interface BranchHint {
  readonly at: number;
  readonly likely: boolean;
}

/** A function as the code section has it. */
export interface FunctionBody {
  readonly bytes: Bytes;
  readonly hints: readonly BranchHint[];
}

/** An open block or loop that a branch can name. */
export interface Label {
  readonly depth: number;
}

export type StoreOp = 'i32' | 'i64' | 'f32' | 'f64' | 'i32_8' | 'i32_16' | 'i64_8' | 'i64_16' | 'i64_32';
const STORE: Readonly<Record<StoreOp, number>> = {
  i32: 0x36,
  i64: 0x37,
  f32: 0x38,
  f64: 0x39,
  i32_8: 0x3a,
  i32_16: 0x3b,
  i64_8: 0x3c,
  i64_16: 0x3d,
  i64_32: 0x3e,
};

/**
 * The body of one wasm function, written statement by statement. Locals made by `let` inside `scratch` are free again after it, so that the
 * few hundred cases of the interpreter share a handful.
 */
export class Code {
  readonly body = new Bytes();
  readonly #types: ValueType[] = [];
  readonly #params: number;
  /** Branches whose direction is known to be rare or usual: where their opcode is in the body. */
  readonly #hints: BranchHint[] = [];
  #depth = 0;
  /** Locals that are free again, by type. */
  readonly #free: Readonly<Record<ValueType, Local<ValueType>[]>> = { i32: [], i64: [], f32: [], f64: [] };
  /** Locals to be given back at the end of what is written now. */
  readonly #taken: Local<ValueType>[] = [];
  #gives = false;

  constructor(params: readonly ValueType[]) {
    this.#params = params.length;
    this.#types.push(...params);
  }

  param<T extends ValueType>(index: number, type: T): Local<T> {
    return new Variable(type, index);
  }

  /** Value of a global. */
  global<T extends ValueType>(type: T, index: number): Expr<T> {
    return { type, write: (out) => writeIndexed(out, 0x23, index) };
  }

  /** A local of its own; inside `scratch`, one that is given back at its end. */
  local<T extends ValueType>(type: T): Local<T> {
    const local = (this.#gives ? (this.#free[type].pop() as Local<T> | undefined) : undefined) ?? this.#variable(type);
    if (this.#gives) this.#taken.push(local);
    return local;
  }

  /** A local of its own, inside `scratch` too. */
  lasting<T extends ValueType>(type: T): Local<T> {
    return this.#variable(type);
  }

  #variable<T extends ValueType>(type: T): Local<T> {
    const index = this.#types.length;
    this.#types.push(type);
    return new Variable(type, index);
  }

  /** Runs `write`; locals it makes are free afterwards. Not nested. */
  scratch(write: () => void): void {
    this.#gives = true;
    write();
    this.#gives = false;
    for (const local of this.#taken) this.#free[local.type].push(local);
    this.#taken.length = 0;
  }

  /** A local holding the value now. */
  let<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  set<T extends ValueType>(local: Local<T>, value: Expr<T>): void {
    value.write(this.body);
    writeIndexed(this.body, 0x21, local.index);
  }

  store(op: StoreOp, address: I32, value: I32 | I64 | F32 | F64, offset = 0): void {
    address.write(this.body);
    value.write(this.body);
    this.body.u8(STORE[op]);
    this.body.u8(0);
    this.body.u32(offset);
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    condition.write(this.body);
    this.#open(0x04, then, otherwise);
  }

  /** An `if` whose condition rarely holds: hosts with branch hints move its code out of the way. */
  ifRarely(condition: I32, then: () => void, otherwise?: () => void): void {
    condition.write(this.body);
    this.#hint(false);
    this.#open(0x04, then, otherwise);
  }

  block(write: (exit: Label) => void): void {
    this.#open(0x02, () => write({ depth: this.#depth }));
  }

  /** Opens a block that `close` ends: for nests too deep to be written as nested calls. */
  open(): Label {
    return this.#openBlock(0x40);
  }

  /** As `open`, a block that gives a value, which every branch to it brings: see `brWith` and `take`. */
  openFor(type: ValueType): Label {
    return this.#openBlock(typeCode(type));
  }

  #openBlock(type: number): Label {
    this.body.u8(0x02);
    this.body.u8(type);
    return { depth: ++this.#depth };
  }

  /** As `open`, a loop: a branch to it goes back to its beginning. */
  openLoop(): Label {
    this.body.u8(0x03);
    this.body.u8(0x40);
    return { depth: ++this.#depth };
  }

  close(): void {
    this.#depth--;
    this.body.u8(0x0b);
  }

  loop(write: (again: Label) => void): void {
    this.#open(0x03, () => write({ depth: this.#depth }));
  }

  br(label: Label): void {
    writeIndexed(this.body, 0x0c, this.#depth - label.depth);
  }

  /** A branch to a block that gives a value, with that value. */
  brWith(label: Label, value: Expr<ValueType>): void {
    value.write(this.body);
    this.br(label);
  }

  /** Sets a local to the value that the block just closed gave. */
  take(local: Local<ValueType>): void {
    writeIndexed(this.body, 0x21, local.index);
  }

  /** `usually`: whether the condition is known to hold or not to hold as a rule. */
  brIf(label: Label, condition: I32, usually?: boolean): void {
    condition.write(this.body);
    if (usually !== undefined) this.#hint(usually);
    writeIndexed(this.body, 0x0d, this.#depth - label.depth);
  }

  brTable(labels: readonly Label[], otherwise: Label, index: I32): void {
    index.write(this.body);
    this.body.u8(0x0e);
    this.body.u32(labels.length);
    for (const label of labels) this.body.u32(this.#depth - label.depth);
    this.body.u32(this.#depth - otherwise.depth);
  }

  call(callee: Callee, ...args: Expr<ValueType>[]): void {
    writeCall(this.body, callee, args);
    for (const _ of callee.results) this.body.u8(0x1a);
  }

  /** Calls, and sets a local to each of the results. */
  callInto(locals: readonly Local<ValueType>[], callee: Callee, ...args: Expr<ValueType>[]): void {
    writeCall(this.body, callee, args);
    this.#takeAll(locals);
  }

  /** The same through table 0. `type`: the callee's, by index. */
  callIndirectInto(locals: readonly Local<ValueType>[], type: number, index: I32, ...args: Expr<ValueType>[]): void {
    writeCallIndirect(this.body, 0x11, type, index, args);
    this.#takeAll(locals);
  }

  #takeAll(locals: readonly Local<ValueType>[]): void {
    for (const local of locals.toReversed()) this.take(local);
  }

  /** Evaluates for the effects, as of a call. */
  drop(value: Expr<ValueType>): void {
    value.write(this.body);
    this.body.u8(0x1a);
  }

  /** Leaves the function by a call in its place. */
  returnCall(callee: Callee, ...args: Expr<ValueType>[]): void {
    writeCall(this.body, callee, args, 0x12);
  }

  /** The same through table 0. `type`: the callee's, by index. */
  returnCallIndirect(type: number, index: I32, ...args: Expr<ValueType>[]): void {
    writeCallIndirect(this.body, 0x13, type, index, args);
  }

  return(...values: readonly Expr<ValueType>[]): void {
    for (const value of values) value.write(this.body);
    this.body.u8(0x0f);
  }

  unreachable(): void {
    this.body.u8(0x00);
  }

  /** Fills `bytes` bytes from `address` with `value` (memory.fill). */
  fill(address: I32, value: I32, bytes: I32): void {
    address.write(this.body);
    value.write(this.body);
    bytes.write(this.body);
    this.body.u8(0xfc);
    this.body.u32(11);
    this.body.u8(0);
  }

  /** The function as the code section has it: local declarations, instructions, end. */
  finish(): FunctionBody {
    const out = new Bytes();
    const own = this.#types.slice(this.#params);
    out.u32(own.length);
    for (const type of own) {
      out.u32(1);
      out.u8(typeCode(type));
    }
    const start = out.length;
    out.append(this.body.view());
    out.u8(0x0b);
    return { bytes: out, hints: this.#hints.map(({ at, likely }) => ({ at: at + start, likely })) };
  }

  #hint(likely: boolean): void {
    this.#hints.push({ at: this.body.length, likely });
  }

  #open(opcode: number, write: () => void, otherwise?: () => void): void {
    this.body.u8(opcode);
    this.body.u8(0x40);
    this.#depth++;
    write();
    if (otherwise !== undefined) {
      this.body.u8(0x05);
      otherwise();
    }
    this.#depth--;
    this.body.u8(0x0b);
  }
}

/** A call as an expression. */
export function call<T extends ValueType>(type: T, callee: Callee, ...args: Expr<ValueType>[]): Expr<T> {
  if (callee.results.join() !== type) throw new Error(`wasm function ${callee.index} returns ${callee.results.join()}, not ${type}`);
  return { type, write: (out) => writeCall(out, callee, args) };
}

function writeCallIndirect(out: Bytes, opcode: number, type: number, index: I32, args: readonly Expr<ValueType>[]): void {
  for (const arg of args) arg.write(out);
  index.write(out);
  writeIndexed(out, opcode, type);
  out.u8(0);
}

function writeCall(out: Bytes, callee: Callee, args: readonly Expr<ValueType>[], opcode = 0x10): void {
  for (let i = 0; i < callee.params.length; i++) {
    const type = callee.params[i];
    if (args[i]?.type !== type) throw new Error(`wasm function ${callee.index}: argument ${i} must be ${type}`);
  }
  for (const arg of args) arg.write(out);
  writeIndexed(out, opcode, callee.index);
}

function writeIndexed(out: Bytes, opcode: number, index: number): void {
  out.u8(opcode);
  out.u32(index);
}
