import { canonicalNan, SINGLE } from '../float/format.ts';
import { isIllegalMode, writeHostLimit } from '../float/host-limit.ts';
import { goOnAt, isOdd, leaveAt } from '../interpreter/agreement.ts';
import { Left } from '../interpreter/stops.ts';
import type { HelperName } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, type Label, type Local } from '../wasm/code.ts';
import { f32, f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { BlockLocals } from './block-locals.ts';
import { planRegion } from './blueprint.ts';
import type { Emission } from './emit.ts';
import { Entries } from './entries.ts';
import type { Flow } from './flow.ts';
import { Gates } from './gates.ts';
import { type CheckCounts, countChecks, type Plan, type Plans } from './guards.ts';
import { type Surroundings, TranslatorGuest } from './guest.ts';
import type { Helpers } from './imports.ts';
import { Integers } from './integers.ts';
import { Levels } from './levels.ts';
import { type Lifetimes, none, without } from './lifetimes.ts';
import { type Loads, placeLoads } from './loads.ts';
import { planMerges } from './merges.ts';
import type { Op } from './op.ts';
import { addOperands, eachRegister, has, type Registers } from './operands.ts';
import { type Block, type End, looksAtFuel, type Region, switches, type Way } from './region.ts';
import { planRotations } from './rotations.ts';
import { flowOfSingles, type Singles, type SinglesFlow, storeBoxed } from './singles.ts';
import { type Held, heldAtExits, type Words } from './words.ts';

/** Deepest nest of guest calls made as wasm calls; deeper ones return to the interpreter and start over. Bounds the host's stack. */
const CALL_DEPTH_MAX = 160;
const zero = i32.const(0);
const CANONICAL_NAN = f32.fromBits(i32.wrap(canonicalNan(SINGLE)));

/** What a region's function is written with; see emit.ts for the parameters. */
export interface Parts extends Emission {
  readonly code: Code;
  readonly way: Local<'i32'>;
  readonly depth: Local<'i32'>;
  readonly fuel: Local<'i32'>;
  readonly region: Region;
  /** Of the region in its module. */
  readonly number: number;
  /** Entries of the module's regions, by address, and the regions' functions. */
  readonly ways: ReadonlyMap<number, Way>;
  readonly functions: readonly Callee[];
  readonly helpers: Helpers;
  readonly find: Callee;
  readonly go: Callee;
  readonly signature: number;
  readonly checks: CheckCounts;
}

/** Byte offset from JUMPS for an address. */
export const jumpSlot = (pc: I32): I32 => i32.and(i32.shl(pc, i32.const(2)), i32.const(Layout.JUMP_MASK));

/** Writes one region's function. */
export class RegionWriter implements Surroundings {
  readonly code: Code;
  readonly integers: Integers;
  readonly f: (Local<'f64'> | undefined)[] = [];
  readonly s: (Local<'f32'> | undefined)[] = [];
  readonly fuses: boolean;
  readonly blockLocals: BlockLocals;
  readonly #parts: Parts;
  /** With its loops in two versions. */
  readonly #region: Region;
  readonly #gates: Gates;
  readonly #flow: Flow;
  readonly #plans: Plans;
  readonly #lifetimes: Lifetimes;
  readonly #words: Words;
  readonly #heldAtExits: readonly Held[];
  readonly #singles: SinglesFlow;
  readonly #loads: Loads;
  readonly #guest: TranslatorGuest;
  readonly #answer: Local<'i64'>;
  readonly #checkpoints: ReadonlySet<number>;
  readonly #longest: ReadonlyMap<number, number>;
  readonly #levels: Levels;
  /** Whether any instruction computes with floating-point numbers. */
  readonly #computesFloat: boolean;
  /** Beginning of the dispatch to entries, for indirect jumps within the region. */
  #dispatch: Label | undefined;
  /** Where side exits go, by what they write back: that is done there, and not in front of what is hardly ever left. */
  #leave: readonly Label[] = [];
  /** Registers that are boxed singles at all of those side exits written so far. */
  readonly #leaveBoxed: number[];
  #block!: Block;
  readonly #entries: Entries;
  /** Registers that any entry needs in 64 bits. */
  readonly #wideAtEntries: number;
  /** Instructions of the block before the current one. */
  #done = 0;

  constructor(parts: Parts) {
    const { code, region, fuses, lasts } = parts;
    this.#parts = parts;
    this.code = code;
    this.fuses = fuses;
    this.#answer = code.local('i64');
    this.blockLocals = new BlockLocals(code);
    const blueprint = planRegion(region, lasts);
    this.#region = blueprint.region;
    this.#flow = blueprint.flow;
    this.#checkpoints = blueprint.checkpoints;
    this.#plans = blueprint.plans;
    this.#lifetimes = blueprint.lifetimes;
    this.#words = blueprint.words;
    this.#longest = blueprint.longest;
    this.#gates = new Gates({ code, fuel: parts.fuel, blueprint, goTo: (pc) => this.#goTo(pc) });
    this.#heldAtExits = heldAtExits(this.#region, this.#words, this.#lifetimes);
    this.#loads = placeLoads(this.#region, this.#flow, this.#lifetimes, this.#plans.kept, this.#words);
    this.#wideAtEntries = region.entries.reduce((all, pc) => all | this.#wideAt(pc), 0);
    this.#singles = flowOfSingles(this.#region, this.#flow.order, this.#lifetimes.needed);
    this.#leaveBoxed = this.#lifetimes.exitKinds.map(() => -1);
    const used = none();
    for (const { ops } of region.blocks.values()) for (const op of ops) addOperands(op, used);
    this.integers = new Integers(code, used.x, this.#words.ever);
    for (let r = 0; r < 32; r++) {
      this.f.push(has(used.f, r) ? code.local('f64') : undefined);
      this.s.push(has(this.#singles.read, r) ? code.local('f32') : undefined);
    }
    this.#guest = new TranslatorGuest(this);
    const { way, fuel } = parts;
    const load = (registers: Registers): void => this.#load(registers);
    const [flow, words, loads] = [this.#flow, this.#words, this.#loads];
    this.#entries = new Entries({
      code,
      region,
      way,
      fuel,
      flow,
      words,
      guards: this.#plans.entries,
      loads,
      integers: this.integers,
      load,
    });
    this.#levels = new Levels({
      code,
      flow,
      way,
      writeBlock: (pc) => this.#writeBlock(pc),
      writeEntries: (labels, indexOf) => this.#entries.write(labels, indexOf, this.#dispatch !== undefined),
    });
    this.#computesFloat = [...region.blocks.values()].some(({ ops }) =>
      ops.some(({ row: { format } }) => format === 'RM' || format === 'R4'),
    );
  }

  write(): void {
    const { code } = this;
    const { region, fuel } = this.#parts;
    const { exitKinds } = this.#lifetimes;
    const indirect = switches(region);
    if (indirect) this.#load(this.#loads.dispatched);
    this.#beginFloat();
    this.#leave = exitKinds.map(() => code.openFor('i64'));
    if (indirect) {
      this.#entries.mark();
      this.#dispatch = code.openLoop();
    }
    this.#levels.write();
    if (indirect) code.close();
    code.unreachable();
    for (const [kind, registers] of [...exitKinds.entries()].toReversed()) {
      code.close();
      code.take(this.#answer);
      this.integers.begin(this.#heldAtExits[kind] as Held);
      this.#spill(registers, this.#leaveBoxed[kind]);
      code.return(this.#answer, fuel);
    }
    code.unreachable();
  }

  helper(name: HelperName): Callee {
    return this.#parts.helpers.named.get(name) as Callee;
  }

  sideExit(): void {
    const { pc } = this.#guest.op;
    this.#exit(leaveAt(pc, Left.INTERPRET, this.#block.ops.length - this.#done));
  }

  branch(condition: I32): void {
    const { end } = this.#block;
    if (end.kind !== 'branch') throw new Error('a branch must end its block');
    this.code.if(condition, () => this.#goTo(end.to));
    this.#goTo(end.next);
  }

  jump(): void {
    const { end } = this.#block;
    if (end.kind === 'go') this.#goTo(end.to);
    else if (end.kind === 'call') this.#call(end.to, end.next);
    else throw new Error('a jump must end its block');
  }

  jumpTo(target: I64): void {
    const { end } = this.#block;
    if (end.kind === 'go' || end.kind === 'call') this.jump();
    else if (end.kind === 'callIndirect') this.#callTo(target, end.next);
    else if (end.kind === 'jumpIndirect') this.#jumpTo(target);
    else if (end.kind === 'tail') this.#jumpOut(target);
    else if (end.kind === 'back') this.#goBack(target, end.next);
    else {
      // Whoever called sees from the answer whether this is the return it waits for.
      this.#spillDirty();
      this.#return(target);
    }
  }

  systemCall(): void {
    const { end } = this.#block;
    if (end.kind !== 'system') throw new Error('a system call must end its block');
    const { helpers, fuel } = this.#parts;
    this.#spillDirty();
    this.code.callInto([this.#answer, fuel], helpers.systemCall, i32.const(this.#guest.op.pc), fuel);
    this.#comeBack(end.next, () => this.#return(this.#answer));
  }

  // ───── calls, jumps and exits ─────

  #call(to: number, next: number): void {
    const { code } = this;
    const { ways, functions, find, go, depth, fuel } = this.#parts;
    this.#spillDirty();
    this.#limitDepth(i64.const(to));
    const deeper = i32.add(depth, i32.const(1));
    const known = ways.get(to);
    if (known !== undefined) {
      const answer = [this.#answer, fuel];
      const direct = (): void => code.callInto(answer, functions[known.region] as Callee, i32.const(known.way), deeper, fuel);
      const other = (): void => code.callInto(answer, go, i32.const(to), deeper, fuel);
      this.#ifEntered(known, direct, other);
      this.#comeBack(next, (address) => this.#finishCall(address));
      return;
    }
    const found = code.let(i64.load(zero, Layout.JUMPS + ((to << 2) & Layout.JUMP_MASK)));
    code.ifRarely(i32.ne(i32.wrap(found), i32.const(to)), () => code.set(found, call('i64', find, i32.const(to))));
    const handle = code.let(i32.wrap(i64.shrU(found, i64.const(32))));
    this.#callHandle(handle, i64.const(to), next);
  }

  #callTo(target: I64, next: number): void {
    this.#spillDirty();
    this.#limitDepth(target);
    this.#callHandle(this.#find(target), target, next);
  }

  /** To where a register says, which is likely the one place that it said before. */
  #expect({ register, callee, likely, next }: End & { kind: 'expect' }): void {
    this.code.ifRarely(i64.ne(this.integers.value(register), i64.const(callee)), () => this.#goTo(next));
    this.#goTo(likely);
  }

  /** Behind the call of a copied function, if that is where it returns. */
  #goBack(target: I64, next: number): void {
    this.code.ifRarely(i64.ne(target, i64.const(this.#addressOf(next))), () => {
      this.#spillDirty();
      this.#return(target);
    });
    this.#goTo(next);
  }

  /** Calls what was found for an address; what is not translated comes back at once, for the interpreter to finish the call. */
  #callHandle(handle: Local<'i32'>, to: I64, next: number): void {
    const { code } = this;
    const { depth, fuel, signature } = this.#parts;
    const deeper = i32.add(depth, i32.const(1));
    const none = (): void => code.set(this.#answer, goOnAt(to));
    code.ifRarely(i32.eqz(handle), none, () => {
      code.callIndirectInto([this.#answer, fuel], signature, indexOf(handle), wayOf(handle), deeper, fuel);
    });
    this.#comeBack(next, (address) => this.#finishCall(address));
  }

  #jumpTo(target: I64): void {
    const { code } = this;
    const { way, number } = this.#parts;
    this.#spillDirty();
    const handle = this.#find(target);
    code.if(i32.eq(indexOf(handle), i32.add(code.global('i32', 0), i32.const(number))), () => {
      const left = this.#loads.left.get(this.#block.start) as Registers;
      this.integers.widen(this.#wideAtEntries & left.x);
      this.#load(without(this.#loads.dispatched, left));
      code.set(way, wayOf(handle));
      code.br(this.#dispatch as Label);
    });
    this.#jumpToHandle(handle, target);
  }

  #jumpOut(target: I64): void {
    this.#spillDirty();
    this.#jumpToHandle(this.#find(target), target);
  }

  #jumpToHandle(handle: Local<'i32'>, to: I64): void {
    const { depth, fuel, signature } = this.#parts;
    this.code.ifRarely(i32.eqz(handle), () => this.#return(goOnAt(to)));
    this.code.returnCallIndirect(signature, indexOf(handle), wayOf(handle), depth, fuel);
  }

  /** The handle of the translated code at an address that may be anything; 0 if there is none. */
  #find(target: I64): Local<'i32'> {
    const { code } = this;
    const found = code.let(i64.load(jumpSlot(i32.wrap(target)), Layout.JUMPS));
    code.ifRarely(i64.ne(i64.and(found, i64.words(0, -1)), target), () => {
      code.set(found, i64.const(0));
      code.if(i64.eqz(i64.shrU(target, i64.const(32))), () => code.set(found, call('i64', this.#parts.find, i32.wrap(target))));
    });
    return code.let(i32.wrap(i64.shrU(found, i64.const(32))));
  }

  #limitDepth(to: I64): void {
    this.code.ifRarely(i32.geS(this.#parts.depth, i32.const(CALL_DEPTH_MAX)), () => this.#return(goOnAt(to)));
  }

  /** Has the interpreter finish a call that came back early; if it cannot, this comes back as well. */
  #finishCall(next: number): void {
    const { code } = this;
    const { helpers, depth, fuel } = this.#parts;
    // A return to elsewhere: the call was given up, as by longjmp.
    code.if(i32.eqz(isOdd(this.#answer)), () => this.#return(this.#answer));
    code.callInto([this.#answer, fuel], helpers.finishCall, this.#answer, i32.const(next), depth, fuel);
    code.if(i64.ne(this.#answer, i64.const(next)), () => this.#return(this.#answer));
  }

  /** Goes on at `next` if that is where a call came back; if not, `otherwise` returns or sees to it. Everything was in memory before the call. */
  #comeBack(next: number, otherwise: (address: number) => void): void {
    const { code } = this;
    const address = this.#addressOf(next);
    const goOn = goOnAt(i64.const(address));
    const isElsewhere = i64.ne(this.#answer, i64.const(address));
    if (!this.#region.blocks.has(next)) {
      this.#return(i64.select(isElsewhere, this.#answer, goOn));
      return;
    }
    code.ifRarely(isElsewhere, () => otherwise(address));
    const kept = this.#plans.kept.get(this.#block.start) ?? 0;
    if (kept !== 0) code.ifRarely(i64.ne(this.#changeOf(kept), i64.const(0)), () => this.#return(goOn));
    this.#goOn(next);
  }

  /** What is 0 if registers are in memory as they are in locals. */
  #changeOf(registers: number): I64 {
    let all: I64 | undefined;
    eachRegister(registers, (r) => {
      const one = i64.xor(i64.load(zero, Layout.X + r * 8), this.integers.value(r));
      all = all === undefined ? one : i64.or(all, one);
    });
    return all ?? i64.const(0);
  }

  #goTo(pc: number): void {
    const { ways, functions, go, depth, fuel } = this.#parts;
    const region = this.#region;
    this.#gates.count(this.#block.start, pc, this.integers);
    if (region.blocks.has(pc)) {
      this.#spill(this.#lifetimes.writtenBack(this.#block.start, pc));
      this.#goOn(pc);
      return;
    }
    this.#spillDirty();
    const known = ways.get(pc);
    const other = (): void => this.code.returnCall(go, i32.const(pc), depth, fuel);
    if (known === undefined) other();
    else this.#ifEntered(known, () => this.code.returnCall(functions[known.region] as Callee, i32.const(known.way), depth, fuel), other);
  }

  /** Goes to a region of the module directly if it is entered in this space, as this one surely is. */
  #ifEntered({ region }: Way, direct: () => void, otherwise: () => void): void {
    const { code } = this;
    const { number } = this.#parts;
    if (region === number) direct();
    else code.ifRarely(i32.eqz(i32.load8u(code.global('i32', 0), Layout.ENTERED + region)), otherwise, direct);
  }

  /** To a block of the region, with what is valid in locals when it begins, in the form that it has there. */
  #goOn(pc: number): void {
    const left = this.#loads.left.get(this.#block.start) as Registers;
    this.integers.widen(this.#wideAt(pc) & left.x);
    this.#load(without(this.#loads.valid.get(pc) as Registers, left));
    this.#levels.branchTo(pc);
  }

  /** Registers that are valid in 64 bits when a block of the region begins. */
  #wideAt(pc: number): number {
    return (this.#loads.valid.get(pc) as Registers).x & ~(this.#words.start.get(pc) as Held).words;
  }

  /** Of a block of the region, or of code outside. */
  #addressOf(pc: number): number {
    return this.#region.blocks.get(pc)?.address ?? pc;
  }

  /** Leaves for the interpreter to go on. */
  #exit(answer: I64): void {
    const kind = this.#lifetimes.exitKind.get(this.#block.start) as number;
    this.integers.widenBefore((this.#lifetimes.exitKinds[kind] as Registers).x & ~(this.#heldAtExits[kind] as Held).words);
    this.#leaveBoxed[kind] = (this.#leaveBoxed[kind] as number) & this.#guest.singles.boxed;
    this.code.brWith(this.#leave[kind] as Label, answer);
  }

  #return(answer: I64): void {
    this.code.return(answer, this.#parts.fuel);
  }

  /** Everything that changed goes to memory. */
  #spillDirty(): void {
    this.#spill(this.#lifetimes.dirty.get(this.#block.start) as Registers);
  }

  /** `boxed`: registers that are boxed singles here. */
  #spill({ x, f }: Registers, boxed = this.#guest.singles.boxed): void {
    const { code } = this;
    eachRegister(x & ~1, (r) => code.store('i64', zero, this.integers.value(r), Layout.X + r * 8));
    eachRegister(f, (r) => {
      const single = has(boxed, r) ? this.s[r] : undefined;
      if (single === undefined) code.store('f64', zero, this.f[r] as Local<'f64'>, Layout.F + r * 8);
      else storeBoxed(code, r, single);
    });
  }

  #load({ x, f }: Registers): void {
    const { code } = this;
    this.integers.load(x);
    eachRegister(f, (r) => {
      code.set(this.f[r] as Local<'f64'>, f64.load(zero, Layout.F + r * 8));
      const single = this.s[r];
      if (single !== undefined) this.#unbox(single, Layout.F + r * 8);
    });
  }

  /** Loads the value that a register in memory has as a single. By branches: an optimiser would move a selection to each use, into loops. */
  #unbox(single: Local<'f32'>, at: number): void {
    const { code } = this;
    code.set(single, f32.load(zero, at));
    code.ifRarely(i32.ne(i32.load(zero, at + 4), i32.const(-1)), () => code.set(single, CANONICAL_NAN));
  }

  /**
   * Finds out how to round; where the dynamic mode is illegal, the entry is left to the interpreter. What changes fcsr from here on, in this region or
   * one that it calls, renews the limit and makes no mode illegal.
   */
  #beginFloat(): void {
    if (!this.#computesFloat) return;
    writeHostLimit(this.code);
    this.code.ifRarely(isIllegalMode(this.#guest.fcsr), () => this.#entries.refuse());
  }

  // ───── blocks ─────

  #writeBlock(pc: number): void {
    const block = this.#region.blocks.get(pc) as Block;
    this.#block = block;
    if (this.#flow.selected.has(pc)) this.code.set(this.#parts.way, zero);
    this.integers.begin(this.#words.start.get(pc) as Held);
    this.#guest.singles = this.#singles.start.get(pc) as Singles;
    this.#load(this.#loads.own.get(pc) as Registers);
    if (!this.#gates.write(block, this.integers)) this.#writeInstructions(block);
  }

  #writeInstructions(block: Block): void {
    const { code } = this;
    const { fuel } = this.#parts;
    const pc = block.start;
    if (looksAtFuel(block, this.#checkpoints)) {
      code.ifRarely(i32.ltS(fuel, i32.const(this.#longest.get(pc) as number)), () => this.#exit(leaveAt(block.address, Left.FUEL, 0)));
    }
    if (block.ops.length > 0 && !this.#gates.isCounted(pc)) code.set(fuel, i32.sub(fuel, i32.const(block.ops.length)));
    const plan = this.#plans.blocks.get(pc) as Plan;
    const stored = this.#lifetimes.stored.get(pc) as ReadonlySet<number>;
    countChecks(block.ops, plan, this.#parts.checks);
    const guest = this.#guest;
    const merges = planMerges(block.ops, plan);
    const rotations = planRotations(block.ops);
    for (let i = 0; i < block.ops.length; i++) {
      const op = block.ops[i] as Op;
      const merge = merges.get(i);
      this.#done = i;
      guest.op = op;
      this.integers.next(op);
      guest.guard = plan.get(i);
      guest.merge = merge;
      guest.stored = stored.has(i);
      this.#takeDown(rotations.sources.get(i), op);
      const rotation = rotations.results.get(i);
      if (merge?.kind === 'whole') guest.setWhole(merge);
      else if (rotation !== undefined) guest.setX(i64.rotr(this.blockLocals.rotated(rotation.source), i64.const(rotation.by)));
      else code.scratch(() => op.row.effect(guest));
    }
    const last = block.ops.at(-1)?.row;
    if (last?.format === 'J' || last?.name === 'jalr' || last?.name === 'ecall') return;
    if (block.end.kind === 'go') this.#goTo(block.end.to);
    else if (block.end.kind === 'rest') this.#call(block.end.to, block.end.next);
    else if (block.end.kind === 'expect') this.#expect(block.end);
  }

  #takeDown(source: number | undefined, { rs1 }: Op): void {
    if (source === undefined) return;
    this.code.set(this.blockLocals.rotated(source), this.integers.operand(rs1));
  }
}

const indexOf = (handle: I32): I32 => i32.and(handle, i32.const(Layout.Handle.INDEX_MASK));
const wayOf = (handle: I32): I32 => i32.shrU(handle, i32.const(Layout.Handle.ENTRY_SHIFT));
