import { Left, leaveAt } from '../interpreter/agreement.ts';
import type { HelperName } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, callIndirect, type Label, type Local } from '../wasm/code.ts';
import { f64, type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { type Flow, type Item, structure } from './flow.ts';
import { type CheckCounts, countChecks, type Plan, type Plans, planGuards, STACK_POINTER } from './guards.ts';
import { type Surroundings, TranslatorGuest, writeFast } from './guest.ts';
import { include, type Lifetimes, lifetimes, none, without } from './lifetimes.ts';
import { type Loads, placeLoads } from './loads.ts';
import { addOperands, type Registers } from './operands.ts';
import { type Block, type Op, type Region, returns, successors, switches, type Way } from './region.ts';

/** Deepest nest of guest calls made as wasm calls; deeper ones return to the interpreter and start over. Bounds the host's stack. */
const CALL_DEPTH_MAX = 160;
const zero = i32.const(0);

/** What a region's function is written with; see emit.ts for the parameters. */
export interface Parts {
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
  readonly helpers: ReadonlyMap<HelperName, Callee>;
  readonly find: Callee;
  readonly go: Callee;
  readonly signature: number;
  readonly fuses: boolean;
  readonly checks: CheckCounts;
}

/** Byte offset from JUMPS for an address. */
export const jumpSlot = (pc: I32): I32 => i32.and(i32.shl(pc, i32.const(2)), i32.const(Layout.JUMP_MASK));

/** A sequence of items being written, innermost last. */
interface Level {
  /** Of a loop; undefined: the outermost. */
  readonly header: number | undefined;
  readonly again: Label | undefined;
  /** Where each item begins. */
  readonly labels: readonly Label[];
  readonly items: readonly Item[];
  readonly indexOf: ReadonlyMap<number, number>;
}

/** Writes one region's function. */
export class RegionWriter implements Surroundings {
  readonly code: Code;
  readonly x: (Local<'i64'> | undefined)[] = [];
  readonly f: (Local<'f64'> | undefined)[] = [];
  readonly fast: Local<'i32'>;
  readonly fuses: boolean;
  readonly #parts: Parts;
  readonly #flow: Flow;
  readonly #plans: Plans;
  readonly #lifetimes: Lifetimes;
  readonly #loads: Loads;
  readonly #guest: TranslatorGuest;
  readonly #answer: Local<'i64'>;
  /** Blocks that look at the fuel when they begin: no path goes on for ever without one. */
  readonly #checkpoints: ReadonlySet<number>;
  readonly #longest: ReadonlyMap<number, number>;
  readonly #levels: Level[] = [];
  /** Whether any instruction computes with floating-point numbers. */
  readonly #computesFloat: boolean;
  /** Beginning of the dispatch to entries, for indirect jumps within the region. */
  #dispatch: Label | undefined;
  /** Where side exits go, by what they write back: FUEL is stored there, and not in front of what is hardly ever left. */
  #leave: readonly Label[] = [];
  #block!: Block;
  /** Instructions of the block before the current one. */
  #done = 0;

  constructor(parts: Parts) {
    const { code, region, fuses } = parts;
    this.#parts = parts;
    this.code = code;
    this.fuses = fuses;
    this.fast = code.local('i32');
    this.#answer = code.local('i64');
    this.#flow = structure(region);
    this.#checkpoints = new Set([...this.#flow.selected.keys(), ...this.#flow.headers, ...returns(region)]);
    this.#plans = planGuards(region, this.#flow);
    this.#lifetimes = lifetimes(region, this.#flow, this.#checkpoints, this.#plans);
    this.#loads = placeLoads(region, this.#flow, this.#lifetimes, this.#plans.keepStack);
    this.#guest = new TranslatorGuest(this);
    this.#longest = longestPaths(region, this.#flow, this.#checkpoints);
    const rows = [...region.blocks.values()].flatMap(({ ops }) => ops.map(({ row }) => row));
    this.#computesFloat = rows.some(({ format }) => format === 'RM' || format === 'R4');
  }

  write(): void {
    const { code } = this;
    const { region, fuel } = this.#parts;
    const { exitKinds } = this.#lifetimes;
    this.#declare();
    const indirect = switches(region);
    if (indirect) this.#load(this.#loads.dispatched);
    this.#seeMode();
    this.#leave = exitKinds.map(() => code.openFor('i64'));
    if (indirect) this.#dispatch = code.openLoop();
    this.#level(undefined, this.#flow.items, () => undefined);
    if (indirect) code.close();
    code.unreachable();
    for (const kind of exitKinds.toReversed()) {
      code.close();
      code.take(this.#answer);
      this.#spill(kind);
      code.store('i32', zero, fuel, Layout.FUEL);
      code.return(this.#answer);
    }
    code.unreachable();
  }

  helper(name: HelperName): Callee {
    return this.#parts.helpers.get(name) as Callee;
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
    else {
      // Whoever called sees from the answer whether this is the return it waits for.
      this.#spillDirty();
      this.#return(target);
    }
  }

  // ───── calls, jumps and exits ─────

  #call(to: number, next: number): void {
    const { code } = this;
    const { ways, functions, find, depth, fuel, signature } = this.#parts;
    this.#spillDirty();
    this.#limitDepth(i64.const(to));
    const deeper = i32.add(depth, i32.const(1));
    const known = ways.get(to);
    if (known !== undefined) {
      this.#comeBack(next, call('i64', functions[known.region] as Callee, i32.const(known.way), deeper, fuel));
      return;
    }
    const found = code.let(i64.load(zero, Layout.JUMPS + ((to << 2) & Layout.JUMP_MASK)));
    code.ifRarely(i32.ne(i32.wrap(found), i32.const(to)), () => code.set(found, call('i64', find, i32.const(to))));
    const handle = code.let(i32.wrap(i64.shrU(found, i64.const(32))));
    code.ifRarely(i32.eqz(handle), () => this.#return(i64.const(to)));
    this.#comeBack(next, callIndirect('i64', signature, indexOf(handle), wayOf(handle), deeper, fuel));
  }

  #callTo(target: I64, next: number): void {
    const { code } = this;
    const { depth, fuel, signature } = this.#parts;
    this.#spillDirty();
    this.#limitDepth(target);
    const handle = this.#find(target);
    code.ifRarely(i32.eqz(handle), () => this.#return(target));
    const deeper = i32.add(depth, i32.const(1));
    this.#comeBack(next, callIndirect('i64', signature, indexOf(handle), wayOf(handle), deeper, fuel));
  }

  #jumpTo(target: I64): void {
    const { code } = this;
    const { depth, fuel, signature, way, number } = this.#parts;
    this.#spillDirty();
    const handle = this.#find(target);
    code.if(i32.eq(indexOf(handle), i32.add(code.global('i32', 0), i32.const(number))), () => {
      const { dispatched, left } = this.#loads;
      this.#load(without(dispatched, left.get(this.#block.start) as Registers));
      code.set(way, wayOf(handle));
      code.br(this.#dispatch as Label);
    });
    code.ifRarely(i32.eqz(handle), () => this.#return(target));
    code.returnCallIndirect(signature, indexOf(handle), wayOf(handle), depth, fuel);
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
    this.code.ifRarely(i32.geS(this.#parts.depth, i32.const(CALL_DEPTH_MAX)), () => this.#return(to));
  }

  /** Makes a call, and goes on at `next` if that is where it comes back. Everything is in memory before. */
  #comeBack(next: number, answer: I64): void {
    const { code } = this;
    const { region, fuel } = this.#parts;
    if (!region.blocks.has(next)) {
      code.return(answer);
      return;
    }
    code.set(this.#answer, answer);
    code.ifRarely(i64.ne(this.#answer, i64.const(next)), () => code.return(this.#answer));
    if (this.#plans.keepStack.has(this.#block.start)) {
      const before = this.x[STACK_POINTER] as Local<'i64'>;
      code.ifRarely(i64.ne(i64.load(zero, Layout.X + STACK_POINTER * 8), before), () => code.return(this.#answer));
    }
    code.set(fuel, i32.load(zero, Layout.FUEL));
    this.#seeMode();
    this.#goOn(next);
  }

  #goTo(pc: number): void {
    const { region, ways, functions, go, depth, fuel } = this.#parts;
    if (region.blocks.has(pc)) {
      const { dirty, deferred } = this.#lifetimes;
      this.#spill(without(dirty.get(this.#block.start) as Registers, deferred.get(pc) as Registers));
      this.#goOn(pc);
      return;
    }
    this.#spillDirty();
    const known = ways.get(pc);
    if (known === undefined) this.code.returnCall(go, i32.const(pc), depth, fuel);
    else this.code.returnCall(functions[known.region] as Callee, i32.const(known.way), depth, fuel);
  }

  /** To a block of the region, with what is valid in locals when it begins. */
  #goOn(pc: number): void {
    const { valid, left } = this.#loads;
    this.#load(without(valid.get(pc) as Registers, left.get(this.#block.start) as Registers));
    this.#branchTo(pc);
  }

  /** Leaves for the interpreter to go on. */
  #exit(answer: I64): void {
    const kind = this.#lifetimes.exitKind.get(this.#block.start) as number;
    this.code.brWith(this.#leave[kind] as Label, answer);
  }

  #return(answer: I64): void {
    this.code.store('i32', zero, this.#parts.fuel, Layout.FUEL);
    this.code.return(answer);
  }

  /** Everything that changed goes to memory. */
  #spillDirty(): void {
    this.#spill(this.#lifetimes.dirty.get(this.#block.start) as Registers);
  }

  #spill({ x, f }: Registers): void {
    const { code } = this;
    for (let r = 1, rest = x >>> 1; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) !== 0) code.store('i64', zero, this.x[r] as Local<'i64'>, Layout.X + r * 8);
    }
    for (let r = 0, rest = f; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) !== 0) code.store('f64', zero, this.f[r] as Local<'f64'>, Layout.F + r * 8);
    }
  }

  #declare(): void {
    const used = none();
    for (const { ops } of this.#parts.region.blocks.values()) for (const op of ops) addOperands(op, used);
    for (let r = 1; r < 32; r++) if (((used.x >>> r) & 1) !== 0) this.x[r] = this.code.local('i64');
    for (let r = 0; r < 32; r++) if (((used.f >>> r) & 1) !== 0) this.f[r] = this.code.local('f64');
  }

  #load({ x, f }: Registers): void {
    const { code } = this;
    for (let r = 1, rest = x >>> 1; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) !== 0) code.set(this.x[r] as Local<'i64'>, i64.load(zero, Layout.X + r * 8));
    }
    for (let r = 0, rest = f; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) !== 0) code.set(this.f[r] as Local<'f64'>, f64.load(zero, Layout.F + r * 8));
    }
  }

  /** The rounding mode and the inexact flag may be others than before. */
  #seeMode(): void {
    if (this.#computesFloat) writeFast(this.code, this.fast);
  }

  // ───── structure ─────

  /** A loop (with its header) or the whole: a block of wasm ends where each item begins, so that any branch forward is a branch out. */
  #level(header: number | undefined, items: readonly Item[], writeHeader: () => void): void {
    const { code } = this;
    const again = header === undefined ? undefined : code.openLoop();
    const labels: Label[] = Array.from({ length: items.length });
    for (let i = items.length - 1; i >= 0; i--) labels[i] = code.open();
    const indexOf = new Map<number, number>();
    for (const [i, { members }] of items.entries()) for (const pc of members) indexOf.set(pc, i);
    this.#levels.push({ header, again, labels, items, indexOf });
    this.#writeDispatch(header, labels, indexOf);
    writeHeader();
    for (const item of items) {
      code.close();
      if (item.body === undefined) this.#writeBlock(item.block);
      else this.#level(item.block, item.body, () => this.#writeBlock(item.block));
    }
    this.#levels.pop();
    if (header !== undefined) code.close();
  }

  /** On the way to a block further inside: to the item that it is in. */
  #writeDispatch(header: number | undefined, labels: readonly Label[], indexOf: ReadonlyMap<number, number>): void {
    const { code } = this;
    const { way } = this.#parts;
    const { selected } = this.#flow;
    if (![...selected.keys()].some((pc) => indexOf.has(pc))) return;
    const table = (otherwise: Label): void => {
      const targets: Label[] = [otherwise];
      for (const [pc, number] of selected) targets[number] = labels[indexOf.get(pc) ?? -1] ?? otherwise;
      code.brTable(targets, otherwise, way);
    };
    if (header === undefined) this.#writeEntry(labels, indexOf, table);
    else
      code.block((own) => {
        code.brIf(own, i32.eqz(way));
        table(own);
      });
  }

  /** From where the function begins to its entries, with what is valid in locals there. The first is where a guest function begins, as a rule. */
  #writeEntry(labels: readonly Label[], indexOf: ReadonlyMap<number, number>, table: (otherwise: Label) => void): void {
    const { code } = this;
    const { way, region } = this.#parts;
    if (this.#dispatch !== undefined) {
      table(labels[0] as Label);
      return;
    }
    const [first, ...others] = region.entries as [number, ...number[]];
    const { valid } = this.#loads;
    if (others.length > 0)
      code.if(i32.ne(way, i32.const(1)), () => {
        const rest = none();
        for (const pc of others) include(rest, valid.get(pc) as Registers);
        this.#load(rest);
        table(labels[0] as Label);
      });
    this.#load(valid.get(first) as Registers);
    code.br(labels[indexOf.get(first) as number] as Label);
  }

  /** To a block of the region, from wherever the writing is. */
  #branchTo(pc: number): void {
    const { code } = this;
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      const level = this.#levels[i] as Level;
      if (level.header === pc) {
        code.br(level.again as Label);
        return;
      }
      const index = level.indexOf.get(pc);
      if (index === undefined) continue;
      if (level.items[index]?.block !== pc) code.set(this.#parts.way, i32.const(this.#flow.selected.get(pc) as number));
      code.br(level.labels[index] as Label);
      return;
    }
    throw new Error(`no block at 0x${pc.toString(16)}`);
  }

  #writeBlock(pc: number): void {
    const { code } = this;
    const { way, fuel, region } = this.#parts;
    const block = region.blocks.get(pc) as Block;
    this.#block = block;
    if (this.#flow.selected.has(pc)) code.set(way, zero);
    this.#load(this.#loads.own.get(pc) as Registers);
    if (this.#checkpoints.has(pc)) {
      code.ifRarely(i32.ltS(fuel, i32.const(this.#longest.get(pc) as number)), () => this.#exit(leaveAt(pc, Left.FUEL, 0)));
    }
    code.set(fuel, i32.sub(fuel, i32.const(block.ops.length)));
    const plan = this.#plans.blocks.get(pc) as Plan;
    const stored = this.#lifetimes.stored.get(pc) as ReadonlySet<number>;
    countChecks(block.ops, plan, this.#parts.checks);
    const guest = this.#guest;
    for (let i = 0; i < block.ops.length; i++) {
      const op = block.ops[i] as Op;
      this.#done = i;
      guest.op = op;
      guest.guard = plan.get(i);
      guest.stored = stored.has(i);
      code.scratch(() => op.row.effect(guest));
    }
    const last = block.ops.at(-1)?.row;
    if (block.end.kind === 'go' && last?.format !== 'J' && last?.name !== 'jalr') this.#goTo(block.end.to);
  }
}

const indexOf = (handle: I32): I32 => i32.and(handle, i32.const(Layout.Handle.INDEX_MASK));
const wayOf = (handle: I32): I32 => i32.shrU(handle, i32.const(Layout.Handle.ENTRY_SHIFT));

/** Instructions on the longest path from each block to the next look at the fuel. */
function longestPaths(region: Region, flow: Flow, checkpoints: ReadonlySet<number>): ReadonlyMap<number, number> {
  const longest = new Map<number, number>();
  for (const pc of flow.order.toReversed()) {
    const block = region.blocks.get(pc) as Block;
    let rest = 0;
    for (const to of successors(region, block)) if (!checkpoints.has(to)) rest = Math.max(rest, longest.get(to) as number);
    longest.set(pc, block.ops.length + rest);
  }
  return longest;
}
