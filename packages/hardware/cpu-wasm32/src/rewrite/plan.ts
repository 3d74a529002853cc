import { MODULE_LIMITS } from '../binary/limits.ts';
import type { ModuleInfo } from '../binary/module.ts';
import { Op } from '../binary/opcodes.ts';
import { ModuleError, type Reader } from '../binary/reader.ts';
import { skipDead, skipImmediate } from './decode.ts';
import { Liveness } from './liveness.ts';
import { FunctionKind, isCounted, isLargeBulk, type Survey } from './survey.ts';

/** Instructions after which a checkpoint is put into straight-line code. */
const CHECKPOINT_COST = 2000;
/** Instructions behind a branch that may be charged before it is known that they run. */
const SPECULATIVE_COST = 24;

export const EMPTY_BLOCK = -64;
export const NONE = -1;

/**
 * What the second pass over a function must know before it begins.
 *
 * Words: a *point* is a place where execution may be left and entered again (a call, a loop header, a checkpoint). A *region* is the function's
 * body or a loop's, without the loops within it. An *end* is where a block of the rewritten region ends: the label in front of a point, or the
 * end of a guest block that contains points. All blocks of a region begin at its start, so that one `br_table` there reaches every point;
 * branches do not care where a block begins. Points are numbered from 1 in order of code; the function's entry is point 1.
 */
export class Plan {
  /** By block, loop and if, in order of code: whether points are within; its end; its else's end; a loop's region and point. */
  readonly has: number[] = [];
  readonly blockEnd: number[] = [];
  readonly elseEnd: number[] = [];
  readonly loopRegion: number[] = [];
  readonly loopPoint: number[] = [];
  /** By end: its region, its place among those of the region, its block type, and the points that its label leads to. */
  readonly endRegion: number[] = [];
  readonly endPlace: number[] = [];
  readonly endType: number[] = [];
  readonly endFirst: number[] = [];
  readonly endLast: number[] = [];
  /** By point: the end in front of it. */
  readonly pointEnd: number[] = [];
  /** By region: its first and last point, and its ends in order of code. */
  readonly regionFirst: number[] = [];
  readonly regionLast: number[] = [];
  readonly regionEnds: number[][] = [];
  /** Fuel taken at each place where some can be, in order of code. */
  readonly charges: number[] = [];
  /** Byte offsets of the checkpoints within straight-line code. */
  readonly checkpoints: number[] = [];
  points = 0;
  protected readonly endValid: number[] = [];

  protected reset(): void {
    for (const list of [this.has, this.blockEnd, this.elseEnd, this.loopRegion, this.loopPoint, this.charges, this.checkpoints])
      list.length = 0;
    for (const list of [this.endRegion, this.endPlace, this.endType, this.endFirst, this.endLast, this.endValid]) list.length = 0;
    for (const list of [this.pointEnd, this.regionFirst, this.regionLast, this.regionEnds]) list.length = 0;
    this.points = 0;
  }
}

/** One guest block that is open during the walk. */
interface OpenBlock {
  kind: number;
  block: number;
  type: number;
  has: boolean;
  region: number;
  /** Where cost is charged that is certain to arise once the block was entered. */
  charge: number;
  elseEnd: number;
  /** Block of the data flow that a branch to it goes to; of an `if`, where its second arm comes from until that was seen. */
  target: number;
  otherwise: number;
}

/** The first pass over a function: finds points, regions, ends and charges. */
export class Planner extends Plan {
  private readonly module: ModuleInfo;
  private readonly survey: Survey;
  private readonly open: OpenBlock[] = [];
  private depth = 0;
  private region = 0;
  private charge = 0;
  private diverged = false;
  private readonly speculative: number[] = [];
  private sinceCheckpoint = 0;
  private unwinding = false;
  private live = true;
  private readonly flow = new Liveness();
  /** By local: whether frames must keep it. */
  kept: Uint8Array = new Uint8Array(0);

  constructor(module: ModuleInfo, survey: Survey) {
    super();
    this.module = module;
    this.survey = survey;
  }

  /** `reader` stands behind the locals. */
  plan(reader: Reader, kind: number, locals: number): void {
    this.reset();
    this.flow.begin(locals);
    this.depth = 0;
    this.region = 0;
    this.live = true;
    this.sinceCheckpoint = 0;
    this.speculative.length = 0;
    this.unwinding = kind === FunctionKind.UNWINDING;
    this.pointEnd.push(NONE);
    this.regionFirst.push(this.unwinding ? this.newPoint(NONE) : 0);
    this.regionLast.push(0);
    this.openCharge();
    if (this.unwinding) this.flow.pointHere();
    this.push(Op.BLOCK, NONE, EMPTY_BLOCK, this.flow.block());
    this.walk(reader);
    this.kept = this.unwinding ? this.flow.live(locals) : this.kept;
    this.regionLast[0] = this.points;
    this.number();
  }

  private walk(reader: Reader): void {
    let constant = -1;
    while (this.depth > 0) {
      if (this.sinceCheckpoint > CHECKPOINT_COST && this.live && this.unwinding) {
        this.checkpoints.push(reader.at);
        this.point();
        this.sinceCheckpoint = 0;
      }
      const op = reader.byte();
      if (isCounted(op)) this.cost(1);
      if (op === Op.I32_CONST) {
        constant = reader.s32();
        continue;
      }
      this.instruction(reader, op, constant);
      constant = -1;
    }
  }

  private instruction(reader: Reader, op: number, constant: number): void {
    switch (op) {
      case Op.LOCAL_GET:
        this.flow.read(reader.u32());
        return;
      case Op.LOCAL_SET:
      case Op.LOCAL_TEE:
        this.flow.write(reader.u32());
        return;
      case Op.BLOCK:
        this.push(op, this.newBlock(), reader.s33(), this.flow.block());
        return;
      case Op.LOOP:
        this.loop(reader.s33());
        return;
      case Op.IF:
        this.push(op, this.newBlock(), reader.s33(), this.flow.block());
        this.top().otherwise = this.flow.current;
        this.flow.follow();
        this.branch();
        return;
      case Op.ELSE:
        this.else();
        return;
      case Op.END:
        this.end();
        return;
      case Op.BR_IF:
        this.flowTo(reader.u32());
        this.flow.follow();
        this.branch();
        return;
      case Op.BR:
        this.flowTo(reader.u32());
        this.die(reader);
        return;
      case Op.BR_TABLE:
        for (let count = reader.u32() + 1; count > 0; count--) this.flowTo(reader.u32());
        this.die(reader);
        return;
      case Op.RETURN:
      case Op.UNREACHABLE:
        skipImmediate(reader, op);
        this.die(reader);
        return;
      case Op.CALL:
        this.call(reader.u32());
        return;
      case Op.CALL_INDIRECT:
        skipImmediate(reader, op);
        this.point();
        return;
      case Op.RETURN_CALL:
        this.call(reader.u32());
        this.die(reader);
        return;
      case Op.RETURN_CALL_INDIRECT:
        skipImmediate(reader, op);
        this.point();
        this.die(reader);
        return;
      case Op.PREFIX_FC: {
        const at = reader.at;
        if (isLargeBulk(reader.u32(), constant)) this.point();
        reader.at = at;
        skipImmediate(reader, op);
        return;
      }
      default:
        skipImmediate(reader, op);
    }
  }

  private die(reader: Reader): void {
    skipDead(reader);
    this.live = false;
  }

  private call(callee: number): void {
    const kind = this.survey.kind[callee];
    if (kind === FunctionKind.UNWINDING) this.point();
    else if (kind === FunctionKind.PLAIN) this.cost(this.survey.cost[callee]!);
    else this.sinceCheckpoint += this.survey.cost[callee]!;
  }

  // Blocks.

  private newBlock(): number {
    this.blockEnd.push(NONE);
    this.elseEnd.push(NONE);
    this.loopRegion.push(NONE);
    this.loopPoint.push(NONE);
    return this.has.push(0) - 1;
  }

  /** A branch to a label of the original code. */
  private flowTo(label: number): void {
    const frame = this.open[this.depth - 1 - label];
    if (frame) this.flow.edge(frame.target);
  }

  private push(kind: number, block: number, type: number, target: number): void {
    if (this.depth > MODULE_LIMITS.nesting) throw new ModuleError(`a function has more than ${MODULE_LIMITS.nesting} nested blocks`);
    const spare = this.open[this.depth];
    const { region, charge } = this;
    if (spare) Object.assign(spare, { kind, block, type, has: false, region, charge, elseEnd: NONE, target, otherwise: NONE });
    else this.open.push({ kind, block, type, has: false, region, charge, elseEnd: NONE, target, otherwise: NONE });
    this.depth++;
  }

  private top(): OpenBlock {
    return this.open[this.depth - 1]!;
  }

  private loop(type: number): void {
    const block = this.newBlock();
    const point = this.point();
    this.loopPoint[block] = point;
    this.push(Op.LOOP, block, type, this.flow.current);
    this.region = this.regionFirst.push(point) - 1;
    this.regionLast.push(0);
    this.loopRegion[block] = this.region;
    this.openCharge();
    this.sinceCheckpoint = 0;
  }

  private else(): void {
    const frame = this.top();
    frame.elseEnd = this.newEnd(EMPTY_BLOCK, NONE, 0);
    if (this.live) this.flow.edge(frame.target);
    this.flow.current = frame.otherwise;
    frame.otherwise = NONE;
    this.flow.follow();
    this.resume(frame.charge);
  }

  private end(): void {
    const frame = this.top();
    this.depth--;
    if (this.depth === 0) return;
    if (frame.kind === Op.LOOP) this.endLoop(frame);
    else if (frame.has) this.endHoisted(frame);
    if (frame.has || frame.kind === Op.LOOP) this.top().has = true;
    this.join(frame);
    this.resume(frame.charge);
  }

  /** Goes on behind a block. What cannot be reached there goes on in a block without edges to it. */
  private join(frame: OpenBlock): void {
    const { flow } = this;
    if (frame.kind === Op.LOOP) {
      if (!this.live) flow.current = flow.block();
      return;
    }
    if (this.live) flow.edge(frame.target);
    if (frame.otherwise !== NONE) {
      flow.current = frame.otherwise;
      flow.edge(frame.target);
    }
    flow.current = frame.target;
  }

  private endLoop(frame: OpenBlock): void {
    this.regionLast[this.region] = this.points;
    this.endLast[this.pointEnd[this.loopPoint[frame.block]!]!] = this.points;
    this.region = frame.region;
    this.has[frame.block] = 1;
  }

  private endHoisted(frame: OpenBlock): void {
    this.has[frame.block] = 1;
    if (frame.kind === Op.IF) {
      // An if without else hands its parameters on: that is an else arm too.
      if (frame.elseEnd === NONE && this.paramCount(frame.type) > 0) frame.elseEnd = this.newEnd(EMPTY_BLOCK, NONE, 0);
      if (frame.elseEnd !== NONE) this.endValid[frame.elseEnd] = 1;
      this.elseEnd[frame.block] = frame.elseEnd;
    }
    const end = this.newEnd(frame.type, NONE, 0);
    this.endValid[end] = 1;
    this.blockEnd[frame.block] = end;
  }

  private paramCount(type: number): number {
    return type >= 0 ? (this.module.types[type]?.params.length ?? 0) : 0;
  }

  // Points and ends.

  private newPoint(end: number): number {
    this.pointEnd.push(end);
    return ++this.points;
  }

  private newEnd(type: number, point: number, valid: number): number {
    this.endRegion.push(this.region);
    this.endPlace.push(0);
    this.endFirst.push(point);
    this.endLast.push(point);
    this.endValid.push(valid);
    return this.endType.push(type) - 1;
  }

  private point(): number {
    const point = this.points + 1;
    this.top().has = true;
    this.flow.point();
    return this.newPoint(this.newEnd(EMPTY_BLOCK, point, 1));
  }

  /** Ends were found in order of code; the ones that turned out not to be needed drop out. */
  private number(): void {
    for (let r = 0; r < this.regionFirst.length; r++) this.regionEnds.push([]);
    for (let e = 0; e < this.endRegion.length; e++) {
      if (this.endValid[e]) this.endPlace[e] = this.regionEnds[this.endRegion[e]!]!.push(e) - 1;
    }
  }

  // Charges.

  private cost(count: number): void {
    this.charges[this.charge]! += count;
    if (this.diverged) this.speculative[this.charge]! += count;
    this.sinceCheckpoint += count;
  }

  private openCharge(): void {
    this.speculative.push(0);
    this.charge = this.charges.push(0) - 1;
    this.diverged = false;
  }

  /** Here paths part: what follows is charged here, or with what came before if that is little. */
  private branch(): void {
    this.resume(this.charge);
  }

  /** Goes on charging at `earlier`, which is always passed on the way here, if that was not used for much uncertain code yet. */
  private resume(earlier: number): void {
    this.live = true;
    this.openCharge();
    if (this.speculative[earlier]! >= SPECULATIVE_COST) return;
    this.charge = earlier;
    this.diverged = true;
  }
}
