import type { FunctionType } from '../binary/module.ts';
import { Op } from '../binary/opcodes.ts';
import { ModuleError, Reader } from '../binary/reader.ts';
import { Writer } from '../binary/writer.ts';
import { skipDead } from './decode.ts';
import {
  BODY_LEVEL,
  type OwnLocals,
  writeCharge,
  writeCheckpoint,
  writeFlush,
  writeLeaveIfUnwinding,
  writeRegionBlocks,
  writeRegionHead,
  writeReload,
} from './frame.ts';
import { Locals, Operands } from './operands.ts';
import { NONE, Planner } from './plan.ts';
import { FunctionKind } from './survey.ts';
import type { Target } from './target.ts';

const NO_SLOTS: readonly number[] = [];

/** A guest block that is open in the second pass. */
export interface Frame {
  kind: number;
  block: number;
  type: number;
  /** Operands beneath the block. */
  height: number;
  /** Level that a branch to it goes to. */
  level: number;
  /** Its operands beneath rest in slots: it contains points. */
  hoisted: boolean;
  outerBase: number;
  /** A loop's parameters come in these slots, since the rewritten loop has none. */
  loopSlots: readonly number[];
}

/**
 * The second pass over a function, as far as control flow goes: points, calls, blocks and branches. What is not written otherwise is copied from the
 * original in runs.
 */
export class ControlRewriter {
  protected readonly target: Target;
  protected readonly plan: Planner;
  protected readonly operands = new Operands();
  protected readonly locals = new Locals();
  protected readonly frames: Frame[] = [];
  protected depthOfFrames = 0;
  protected readonly body = new Writer(1 << 16);
  protected own: OwnLocals = { fuel: 0 };
  protected kind: number = FunctionKind.PLAIN;
  protected type: FunctionType = { params: new Uint8Array(0), results: new Uint8Array(0) };
  protected reader: Reader;
  /** Start of the original code that is still to be copied. */
  protected rawFrom = 0;
  /** Blocks open in the rewritten code. */
  protected depth = 0;
  protected nextBlock = 0;
  protected nextPoint = 0;
  protected nextCharge = 0;
  protected live = true;
  /** Behind the last instruction that must not be run twice. */
  protected repeatableFrom = 0;
  protected where = '';

  constructor(target: Target) {
    this.target = target;
    this.plan = new Planner(target.module, target.survey);
    this.reader = new Reader(target.module.bytes);
  }

  // Copying.

  /** Copies the original code up to `at`; the instruction there is written otherwise. */
  protected special(at: number): void {
    this.body.copy(this.target.module.bytes, this.rawFrom, at);
    this.rawFrom = this.reader.at;
  }

  /** Copies what was read so far. */
  protected catchUp(): void {
    this.special(this.reader.at);
  }

  /** Behind an instruction that never falls through: code up to the next `else` or `end` is left out. */
  protected die(): void {
    this.catchUp();
    skipDead(this.reader);
    this.rawFrom = this.reader.at;
    this.live = false;
  }

  protected charge(): void {
    if (this.kind === FunctionKind.PLAIN) return;
    const cost = this.plan.charges[this.nextCharge++]!;
    if (cost === 0) return;
    this.catchUp();
    writeCharge(this.body, this.own, cost);
  }

  // Points.

  protected closeEnd(): void {
    this.body.byte(Op.END);
    this.depth--;
  }

  /** All operands go to slots, and come back behind the checkpoint. */
  protected checkpoint(): void {
    const { operands, body } = this;
    operands.spill(body);
    operands.keep(operands.height);
    this.closeEnd();
    writeCheckpoint(body, this.target, this.own, this.nextPoint++, this.depth);
    operands.load(body, operands.base);
  }

  protected call(at: number, callee: number): void {
    const { target, body, operands } = this;
    const type = target.module.types[target.module.functions[callee]!]!;
    const kind = target.survey.kind[callee]!;
    if (kind === FunctionKind.UNWINDING) {
      this.callPoint(at, type, (out) => out.op(Op.CALL, callee + target.shift), 0);
      return;
    }
    this.special(at);
    operands.popMany(type.params.length);
    const metered = kind === FunctionKind.METERED && this.kind !== FunctionKind.PLAIN;
    if (metered) writeFlush(body, target, this.own);
    body.op(Op.CALL, callee + target.shift);
    if (metered) writeReload(body, target, this.own);
    operands.pushAll(type.results);
  }

  protected callIndirect(at: number, typeIndex: number, table: number): void {
    this.callPoint(
      at,
      this.target.module.types[typeIndex]!,
      (out) => {
        out.op(Op.CALL_INDIRECT, typeIndex);
        out.u32(table);
      },
      1,
    );
  }

  /**
   * A call that may be left. Entered again, its arguments do not matter, since the callee takes its own frame from the saved stack: instructions
   * that made them are run again on what there is, where that does no harm; else arguments go through slots. In both ways the label in front finds an
   * empty stack. `kept` operands above the arguments (a table index) must be there again.
   */
  protected callPoint(at: number, type: FunctionType, write: (out: Writer) => void, kept: number): void {
    const { target, body, operands, own } = this;
    const point = this.nextPoint++;
    const count = type.params.length;
    const under = operands.height - count - kept;
    const start = operands.start(under);
    const repeat = kept === 0 && count > 0 && start >= this.repeatableFrom;
    this.special(repeat ? start : at);
    if (repeat) operands.popMany(count);
    operands.spill(body);
    operands.keep(kept > 0 ? operands.height : under);
    // In front of the label: entered again, the global still says so.
    writeFlush(body, target, own);
    this.closeEnd();
    if (repeat) body.copy(target.module.bytes, start, at);
    else operands.load(body, under);
    write(body);
    writeReload(body, target, own);
    writeLeaveIfUnwinding(body, target, point, this.depth);
    operands.cutTo(under);
    operands.pushAll(type.results);
    this.restoreUnder(under);
  }

  /** Puts operands [base, height) back on the engine's stack, beneath those above `height`, which are there. */
  protected restoreUnder(height: number): void {
    const { operands, body } = this;
    if (height <= operands.base) return;
    operands.store(body, height);
    operands.load(body, operands.base);
  }

  protected returnBehind(): void {
    if (this.kind === FunctionKind.PLAIN) this.body.byte(Op.RETURN);
    else this.body.op(Op.BR, this.depth - this.frames[0]!.level);
    this.die();
  }

  // Blocks.

  protected open(kind: number, block: number, type: number, height: number, level: number, hoisted: boolean): void {
    const outerBase = this.operands.base;
    const spare = this.frames[this.depthOfFrames];
    const frame = { kind, block, type, height, level, hoisted, outerBase, loopSlots: NO_SLOTS };
    if (spare) Object.assign(spare, frame);
    else this.frames.push(frame);
    this.depthOfFrames++;
    if (hoisted) this.operands.base = height;
  }

  protected top(): Frame {
    return this.frames[this.depthOfFrames - 1]!;
  }

  /** The level of a region's block, by its end: blocks that end earlier lie deeper. All ends before this one's region position are closed or open alike. */
  protected levelOf(end: number): number {
    const region = this.plan.endRegion[end]!;
    return this.regionDepth(region) - this.plan.endPlace[end]!;
  }

  protected readonly regionDepths: number[] = [];

  /** Depth just within the blocks of a region. */
  protected regionDepth(region: number): number {
    if (region === 0) return BODY_LEVEL + this.plan.regionEnds[0]!.length;
    return this.regionDepths[region]!;
  }

  protected isHoisted(block: number): boolean {
    return this.kind === FunctionKind.UNWINDING && this.plan.has[block] === 1;
  }

  protected block(at: number, type: number): void {
    const { operands, body, target } = this;
    const block = this.nextBlock++;
    const height = operands.height - target.params(type).length;
    if (!this.isHoisted(block)) {
      this.openInPlace(Op.BLOCK, block, type, height);
      return;
    }
    this.special(at);
    operands.spill(body);
    this.open(Op.BLOCK, block, type, height, this.levelOf(this.plan.blockEnd[block]!), true);
    operands.load(body, height);
  }

  protected openInPlace(kind: number, block: number, type: number, height: number): void {
    this.depth++;
    this.open(kind, block, type, height, this.depth, false);
  }

  protected loop(at: number, type: number): void {
    const { operands, body, target, plan } = this;
    const block = this.nextBlock++;
    const height = operands.height - target.params(type).length;
    const region = plan.loopRegion[block]!;
    this.nextPoint++;
    this.special(at);
    operands.spill(body);
    operands.keep(operands.height);
    this.closeEnd();
    body.byte(Op.LOOP);
    body.s32(target.resultsOnly(type));
    this.depth++;
    this.open(Op.LOOP, block, type, height, this.depth, true);
    if (operands.height > height)
      this.top().loopSlots = Array.from({ length: operands.height - height }, (_, i) => operands.slot(height + i));
    this.depth = writeRegionBlocks(body, target, plan, region, this.depth);
    this.regionDepths[region] = this.depth;
    writeRegionHead(body, target, plan, this.own, region, this.depth, plan.charges[this.nextCharge++]!, undefined);
    operands.load(body, height);
  }

  protected if(at: number, type: number): void {
    const { operands, body, target, plan } = this;
    const block = this.nextBlock++;
    if (!this.isHoisted(block)) {
      operands.pop();
      this.openInPlace(Op.IF, block, type, operands.height - target.params(type).length);
      this.charge();
      return;
    }
    this.special(at);
    const condition = operands.height - 1;
    if (condition > operands.base) {
      const slot = operands.slot(condition);
      operands.spill(body);
      body.op(Op.LOCAL_GET, slot);
    }
    operands.pop();
    body.byte(Op.I32_EQZ);
    const end = plan.blockEnd[block]!;
    const otherwise = plan.elseEnd[block]!;
    body.op(Op.BR_IF, this.depth - this.levelOf(otherwise === NONE ? end : otherwise));
    const height = operands.height - target.params(type).length;
    this.open(Op.IF, block, type, height, this.levelOf(end), true);
    operands.load(body, height);
    this.charge();
  }

  protected else(at: number): void {
    const { operands, target } = this;
    const frame = this.top();
    if (frame.hoisted) {
      this.special(at);
      this.elseArm(frame);
    } else {
      operands.cutTo(frame.height);
      operands.pushAll(target.params(frame.type));
    }
    frame.kind = Op.ELSE;
    this.live = true;
    this.charge();
  }

  /** Ends the first arm of a hoisted `if` and begins the second, its parameters on the stack. */
  protected elseArm(frame: Frame): void {
    const { operands, body, target } = this;
    if (this.live) body.op(Op.BR, this.depth - frame.level);
    this.closeEnd();
    operands.cutTo(frame.height);
    operands.pushAll(target.params(frame.type));
    operands.load(body, frame.height);
  }

  protected end(at: number): void {
    const { operands, target } = this;
    const frame = this.top();
    this.depthOfFrames--;
    if (this.depthOfFrames === 0) {
      this.catchUp();
      return;
    }
    if (frame.hoisted) {
      this.special(at);
      if (frame.kind === Op.IF && this.plan.elseEnd[frame.block] !== NONE) this.elseArm(frame);
      this.closeEnd();
    } else this.depth--;
    operands.cutTo(frame.height);
    operands.pushAll(target.results(frame.type));
    this.live = true;
    if (frame.hoisted) {
      operands.base = frame.outerBase;
      this.restoreUnder(frame.height);
    }
    this.charge();
  }

  // Branches.

  protected frameAt(label: number): Frame {
    const frame = this.frames[this.depthOfFrames - 1 - label];
    if (!frame || label >= this.depthOfFrames) throw new ModuleError(`${this.where}: branch to label ${label}, which does not exist`);
    return frame;
  }

  /** Puts the operands on top of the engine's stack where a loop's head looks for them. */
  protected writeLoopParams(frame: Frame): void {
    for (let i = frame.loopSlots.length - 1; i >= 0; i--) this.body.op(Op.LOCAL_SET, frame.loopSlots[i]!);
  }

  protected branch(at: number, label: number): void {
    const frame = this.frameAt(label);
    this.special(at);
    this.writeLoopParams(frame);
    this.body.op(Op.BR, this.depth - frame.level);
    this.die();
  }

  protected branchIf(at: number, label: number): void {
    const { operands, body } = this;
    const frame = this.frameAt(label);
    this.special(at);
    const params = frame.loopSlots.length;
    if (params === 0) {
      operands.pop();
      body.op(Op.BR_IF, this.depth - frame.level);
    } else {
      const condition = operands.slot(operands.height - 1);
      operands.store(body, operands.height - 1 - params);
      operands.pop();
      body.op(Op.LOCAL_GET, condition);
      body.op(Op.IF, 0x40);
      operands.load(body, operands.height - params);
      this.writeLoopParams(frame);
      body.op(Op.BR, this.depth + 1 - frame.level);
      body.byte(Op.END);
      operands.load(body, operands.height - params);
    }
    this.charge();
  }

  protected branchTable(at: number): void {
    const { reader, body, operands } = this;
    const labels: Frame[] = [];
    for (let count = reader.u32() + 1; count > 0; count--) labels.push(this.frameAt(reader.u32()));
    this.special(at);
    const params = labels.reduce((most, frame) => Math.max(most, frame.loopSlots.length), 0);
    if (params > 0) this.branchTableWithLoops(labels, params);
    else {
      operands.pop();
      body.op(Op.BR_TABLE, labels.length - 1);
      for (const frame of labels) body.u32(this.depth - frame.level);
    }
    this.die();
  }

  /** Through one landing for each target, where the operands are put in place. */
  protected branchTableWithLoops(labels: readonly Frame[], params: number): void {
    const { body, operands } = this;
    const targets = [...new Set(labels)];
    const index = operands.slot(operands.height - 1);
    operands.store(body, operands.height - 1 - params);
    operands.pop();
    for (let i = 0; i < targets.length; i++) body.op(Op.BLOCK, 0x40);
    body.op(Op.LOCAL_GET, index);
    body.op(Op.BR_TABLE, labels.length - 1);
    for (const frame of labels) body.u32(targets.indexOf(frame));
    targets.forEach((frame, i) => {
      body.byte(Op.END);
      operands.load(body, operands.height - params);
      this.writeLoopParams(frame);
      body.op(Op.BR, this.depth + targets.length - 1 - i - frame.level);
    });
  }
}
