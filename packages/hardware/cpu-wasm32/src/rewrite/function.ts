import { MODULE_LIMITS } from '../binary/limits.ts';
import { Op, OpFc, POPS, PUSH, REPEATABLE, SIMD_POPS, SIMD_PUSH, SIMPLE, ValueType } from '../binary/opcodes.ts';
import { ModuleError, Reader } from '../binary/reader.ts';
import { Writer } from '../binary/writer.ts';
import { ControlRewriter } from './control.ts';
import { readLocals, skipImmediate, skipSimdImmediate } from './decode.ts';
import {
  BODY_LEVEL,
  type FrameLayout,
  writeCharge,
  writeFlush,
  writeRegionBlocks,
  writeRegionHead,
  writeReload,
  writeRestore,
  writeUnwind,
} from './frame.ts';
import { EMPTY_BLOCK, NONE } from './plan.ts';
import { FunctionKind, isLargeBulk } from './survey.ts';
import { DROPPED, GROW } from './target.ts';

/** V8's limit on a function's body; other engines allow no less. */
const MAX_BODY_BYTES = 7_654_321;
/** A bulk memory instruction costs one instruction for each 2^6 bytes. */
const BULK_SHIFT = 6;

/** Rewrites one function after the other: plans it, then copies its code with checkpoints, charges and resume points put in. */
export class FunctionRewriter extends ControlRewriter {
  private readonly head = new Writer(1 << 10);
  private nextCheckpoint = 0;
  /** The i32 that the instruction before pushed as a constant, or -1. */
  private constant = -1;

  /** Appends the rewritten body of function `index` (imports counted), behind its size. */
  rewrite(index: number, code: Writer): void {
    const { module, survey } = this.target;
    const at = 2 * (index - module.imports.length);
    const reader = new Reader(module.bytes, module.bodies[at], module.bodies[at + 1]);
    this.reader = reader;
    this.where = `function ${index}`;
    this.kind = survey.kind[index]!;
    this.type = module.types[module.functions[index]!]!;
    this.readLocals();
    const start = reader.at;
    if (this.kind !== FunctionKind.PLAIN) this.plan.plan(reader, this.kind, this.locals.count);
    reader.at = start;
    this.begin();
    this.walk();
    this.finish(code, module.bodies[at]!, start);
  }

  private readLocals(): void {
    const { locals, type, where } = this;
    locals.clear();
    for (const param of type.params) locals.add(1, param, MODULE_LIMITS.locals, where);
    readLocals(this.reader, (count, localType) => locals.add(count, localType, MODULE_LIMITS.locals, where));
    if (this.kind === FunctionKind.UNWINDING) locals.requireSaveable(where);
    this.own = { fuel: locals.count };
    this.operands.reset(locals.count + 1, where);
  }

  private begin(): void {
    this.body.clear();
    this.head.clear();
    this.rawFrom = this.reader.at;
    this.repeatableFrom = this.reader.at;
    this.nextBlock = 0;
    this.nextPoint = 2;
    this.nextCharge = 1;
    this.nextCheckpoint = 0;
    this.depthOfFrames = 0;
    this.live = true;
    this.constant = -1;
    const level = [0, 1, BODY_LEVEL][this.kind]!;
    this.depth = level;
    if (this.kind === FunctionKind.UNWINDING) this.depth += this.plan.regionEnds[0]!.length;
    this.open(Op.BLOCK, NONE, EMPTY_BLOCK, 0, level, false);
  }

  /** The whole body: locals, head (known only now that all slots are), code, tail. */
  private finish(code: Writer, bodyStart: number, codeStart: number): void {
    const { head, target, type } = this;
    if (this.kind === FunctionKind.PLAIN) head.copy(target.module.bytes, bodyStart, codeStart);
    else {
      this.writeLocals(target.module.bytes.subarray(bodyStart, codeStart));
      const block = target.blockType(type.results);
      if (this.kind === FunctionKind.METERED) this.writeMeteredHead(block);
      else this.writeUnwindingHead(block);
    }
    const tail = this.writeTail();
    const size = head.length + this.body.length + tail.length;
    if (size > MAX_BODY_BYTES)
      throw new ModuleError(`${this.where} has ${size} bytes when rewritten; at most ${MAX_BODY_BYTES} are allowed`);
    code.u32(size);
    code.append(head);
    code.append(this.body);
    code.append(tail);
  }

  private writeLocals(declared: Uint8Array): void {
    const runs = new Reader(declared);
    const count = runs.u32();
    const made = this.operands.made;
    this.head.u32(count + 1 + made.length);
    this.head.copy(declared, runs.at);
    this.head.u32(1);
    this.head.byte(ValueType.i32);
    for (const type of made) {
      this.head.u32(1);
      this.head.byte(type);
    }
  }

  private writeMeteredHead(block: number): void {
    this.head.byte(Op.BLOCK);
    this.head.s32(block);
    writeReload(this.head, this.target, this.own);
    writeCharge(this.head, this.own, this.plan.charges[0]!);
  }

  private writeUnwindingHead(block: number): void {
    const { head, target, plan, own } = this;
    head.byte(Op.BLOCK);
    head.s32(ValueType.i32 - 0x80);
    head.byte(Op.BLOCK);
    head.s32(block);
    const depth = writeRegionBlocks(head, target, plan, 0, BODY_LEVEL);
    writeRegionHead(head, target, plan, own, 0, depth, plan.charges[0]!, (out) => writeRestore(out, target, own, this.layout()));
  }

  private layout(): FrameLayout {
    return { locals: this.locals, kept: this.plan.kept, operands: this.operands };
  }

  private writeTail(): Writer {
    const tail = new Writer(64);
    if (this.kind === FunctionKind.PLAIN) return tail;
    writeFlush(tail, this.target, this.own);
    if (this.kind === FunctionKind.UNWINDING) {
      tail.byte(Op.RETURN);
      tail.byte(Op.END);
      writeUnwind(tail, this.target, this.layout(), this.type.results);
    }
    tail.byte(Op.END);
    return tail;
  }

  // The walk.

  private walk(): void {
    const { reader, operands } = this;
    while (this.depthOfFrames > 0) {
      if (this.nextCheckpoint < this.plan.checkpoints.length && this.kind !== FunctionKind.PLAIN) this.checkpointHere();
      const at = reader.at;
      const op = reader.byte();
      if (op === Op.I32_CONST) {
        this.constant = reader.s32();
        operands.push(ValueType.i32, at);
        continue;
      }
      if (SIMPLE[op]) {
        skipImmediate(reader, op);
        const start = POPS[op] ? operands.start(operands.height - POPS[op]!) : at;
        operands.popMany(POPS[op]!);
        if (PUSH[op]) operands.push(PUSH[op]!, start);
        if (!REPEATABLE[op]) this.repeatableFrom = reader.at;
      } else this.instruction(op, at);
      this.constant = -1;
    }
  }

  private instruction(op: number, at: number): void {
    const { reader, operands } = this;
    switch (op) {
      case Op.LOCAL_GET:
        operands.push(this.locals.type(reader.u32()), at);
        return;
      case Op.GLOBAL_GET:
        operands.push(this.target.module.globals[reader.u32()]?.type ?? 0, at);
        return;
      default:
        this.effect(op, at);
        this.repeatableFrom = reader.at;
    }
  }

  /** An instruction that must not be run twice. */
  private effect(op: number, at: number): void {
    const { reader, operands } = this;
    switch (op) {
      case Op.LOCAL_SET:
      case Op.GLOBAL_SET:
        reader.skipLeb();
        operands.pop();
        return;
      case Op.LOCAL_TEE:
        reader.skipLeb();
        return;
      case Op.BLOCK:
        this.block(at, reader.s33());
        return;
      case Op.LOOP:
        this.loop(at, reader.s33());
        return;
      case Op.IF:
        this.if(at, reader.s33());
        return;
      case Op.ELSE:
        this.else(at);
        return;
      case Op.END:
        this.end(at);
        return;
      case Op.BR:
        this.branch(at, reader.u32());
        return;
      case Op.BR_IF:
        this.branchIf(at, reader.u32());
        return;
      case Op.BR_TABLE:
        this.branchTable(at);
        return;
      case Op.RETURN:
        if (this.kind !== FunctionKind.PLAIN) {
          this.special(at);
          this.body.op(Op.BR, this.depth - this.frames[0]!.level);
        }
        this.die();
        return;
      case Op.UNREACHABLE:
        this.die();
        return;
      case Op.CALL:
        this.call(at, reader.u32());
        return;
      case Op.CALL_INDIRECT:
        this.callIndirect(at, reader.u32(), reader.u32());
        return;
      case Op.RETURN_CALL:
        this.call(at, reader.u32());
        this.returnBehind();
        return;
      case Op.RETURN_CALL_INDIRECT:
        this.callIndirect(at, reader.u32(), reader.u32());
        this.returnBehind();
        return;
      default:
        this.rare(op, at);
    }
  }

  private rare(op: number, at: number): void {
    const { reader, operands, body } = this;
    switch (op) {
      case Op.SELECT:
      case Op.SELECT_TYPED:
        skipImmediate(reader, op);
        operands.popMany(2);
        return;
      case Op.MEMORY_GROW:
        reader.skipLeb();
        this.special(at);
        body.op(Op.CALL, GROW);
        return;
      case Op.TABLE_GET:
        operands.pop();
        operands.push(this.target.module.tables[reader.u32()]?.type ?? 0);
        return;
      case Op.TABLE_SET:
        reader.skipLeb();
        operands.popMany(2);
        return;
      case Op.REF_NULL:
        operands.push(reader.byte());
        return;
      case Op.REF_IS_NULL:
        operands.pop();
        operands.push(ValueType.i32);
        return;
      case Op.REF_FUNC: {
        const index = reader.u32();
        this.special(at);
        body.op(op, index + this.target.shift);
        operands.push(ValueType.funcref);
        return;
      }
      case Op.PREFIX_FC:
        this.prefixFc(at);
        return;
      default: {
        if (op !== Op.PREFIX_SIMD) skipImmediate(reader, op);
        const simd = reader.u32();
        skipSimdImmediate(reader, simd);
        operands.popMany(SIMD_POPS[simd]!);
        if (SIMD_PUSH[simd]) operands.push(SIMD_PUSH[simd]!);
      }
    }
  }

  private checkpointHere(): void {
    if (this.plan.checkpoints[this.nextCheckpoint] !== this.reader.at) return;
    this.nextCheckpoint++;
    this.catchUp();
    this.repeatableFrom = this.reader.at;
    this.checkpoint();
  }

  // Bulk instructions.

  private prefixFc(at: number): void {
    const { reader, operands, body } = this;
    const start = reader.at;
    const op = reader.u32();
    const operand = op >= OpFc.MEMORY_INIT ? reader.u32() : 0;
    reader.at = start;
    const constant = this.constant;
    skipImmediate(reader, Op.PREFIX_FC);
    if (op < OpFc.MEMORY_INIT) {
      operands.pop();
      operands.push(op & 4 ? ValueType.i64 : ValueType.i32);
      return;
    }
    if (op === OpFc.DATA_DROP || op === OpFc.ELEM_DROP) {
      this.catchUp();
      body.i32const(op === OpFc.DATA_DROP ? 0 : 1);
      body.i32const(operand);
      body.op(Op.CALL, DROPPED);
    } else if (op === OpFc.TABLE_SIZE) operands.push(ValueType.i32);
    else if (op === OpFc.TABLE_GROW) {
      operands.popMany(2);
      operands.push(ValueType.i32);
    } else {
      if (isLargeBulk(op, constant)) this.largeBulk(at);
      operands.popMany(3);
    }
  }

  /** memory.copy, fill, init of unknown size: charged by the size, and a checkpoint of their own in front. */
  private largeBulk(at: number): void {
    const { operands, body, own } = this;
    this.special(at);
    const size = operands.slot(operands.height - 1);
    body.op(Op.LOCAL_SET, size);
    body.op(Op.LOCAL_GET, own.fuel);
    body.op(Op.LOCAL_GET, size);
    body.i32const(BULK_SHIFT);
    body.byte(Op.I32_SHR_U);
    body.byte(Op.I32_SUB);
    body.op(Op.LOCAL_SET, own.fuel);
    body.op(Op.LOCAL_GET, size);
    this.checkpoint();
    this.rawFrom = at;
  }
}
