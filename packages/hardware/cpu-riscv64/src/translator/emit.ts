import { HELPER_EXPORT, Left } from '../interpreter/agreement.ts';
import type { HelperName } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, type Label, type Local } from '../wasm/code.ts';
import { type I32, type I64, i32, i64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { type Flow, type Item, structure } from './flow.ts';
import { type CheckCounts, countChecks, planGuards } from './guards.ts';
import { type Surroundings, TranslatorGuest } from './guest.ts';
import { addOperands, helperSignatures, type Registers } from './operands.ts';
import { type Block, type Region, successors } from './region.ts';

/** Deepest nest of guest calls made as wasm calls; deeper ones return to the interpreter and start over. Bounds the host's stack. */
const CALL_DEPTH_MAX = 96;
const zero = i32.const(0);

/**
 * A module with a function per region: (handle, depth) → {@link Left}. The handle says which entry; PC and FUEL are in memory before and after,
 * as all registers are. Instantiation puts the functions into the table from `env.base` on: exporting them would have the host make a wrapper each.
 */
export function regionModule(regions: readonly Region[], checks: CheckCounts): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
  module.importTable();
  const helpers = importHelpers(module, regions);
  const signature = module.signature(['i32', 'i32'], 'i32');
  const find = findFunction(module);
  const go = goFunction(module, find, signature);
  const functions: Callee[] = [];
  for (const [i, region] of regions.entries()) {
    // The next function defined: the region itself, for calls of its own entries.
    const self: Callee = { index: go.index + 1 + i, params: ['i32', 'i32'], result: 'i32' };
    module.function(['i32', 'i32'], 'i32', (code, [handle, depth]) => {
      new RegionWriter({ code, handle, depth, region, helpers, find, go, self, signature, checks }).write();
    });
    functions.push(self);
  }
  module.placeInTable(functions);
  return module.finish();
}

function importHelpers(module: ModuleBuilder, regions: readonly Region[]): ReadonlyMap<HelperName, Callee> {
  const signatures = helperSignatures();
  const imported = new Map<HelperName, Callee>();
  const rows = new Set<string>();
  for (const region of regions) for (const { ops } of region.blocks.values()) for (const { row } of ops) rows.add(row.name);
  const isFloat = [...rows].some((name) => /^f.*\.|^csr/.test(name));
  for (const [name, { params, result }] of signatures) {
    if (name !== 'mulhu' && !isFloat) continue;
    imported.set(name, module.import(HELPER_EXPORT + name, params, result));
  }
  return imported;
}

/** Handle of the translated code that begins at an address; 0 if there is none. */
function findFunction(module: ModuleBuilder): Callee {
  return module.function(['i32'], 'i32', (code, [pc]) => {
    const slot = code.let(i32.load16u(i32.shl(i32.shrU(pc, i32.const(Layout.PAGE_SHIFT)), i32.const(1)), Layout.CODE_INDEX));
    code.if(i32.eqz(slot), () => code.return(zero));
    const offset = i32.shl(i32.and(pc, i32.const(Layout.PAGE_SIZE - 2)), i32.const(2));
    code.set(slot, i32.add(i32.mul(slot, i32.const(Layout.CODE_SLOT_BYTES)), offset));
    code.if(i32.geS(i32.load(slot, Layout.CODE_SLOTS), zero), () => code.return(zero));
    code.return(i32.load(i32.shrU(slot, i32.const(1)), Layout.HANDLES));
    code.unreachable();
  });
}

/** Goes on in the region that begins at an address, if there is one: PC, FUEL and registers are in memory. */
function goFunction(module: ModuleBuilder, find: Callee, signature: number): Callee {
  return module.function(['i32', 'i32'], 'i32', (code, [pc, depth]) => {
    const handle = code.let(call('i32', find, pc));
    code.if(i32.eqz(handle), () => code.return(i32.const(Left.GO_ON)));
    code.returnCallIndirect(signature, i32.and(handle, i32.const(Layout.Handle.INDEX_MASK)), handle, depth);
    code.unreachable();
  });
}

interface Parts {
  readonly code: Code;
  readonly handle: Local<'i32'>;
  readonly depth: Local<'i32'>;
  readonly region: Region;
  readonly helpers: ReadonlyMap<HelperName, Callee>;
  readonly find: Callee;
  readonly go: Callee;
  readonly self: Callee;
  readonly signature: number;
  readonly checks: CheckCounts;
}

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
class RegionWriter implements Surroundings {
  readonly code: Code;
  readonly x: (Local<'i64'> | undefined)[] = [];
  readonly f: (Local<'i64'> | undefined)[] = [];
  readonly #parts: Parts;
  readonly #flow: Flow;
  readonly #guest: TranslatorGuest;
  readonly #fuel: Local<'i32'>;
  /** Which entry or dispatch target to go to; 0: none. */
  readonly #select: Local<'i32'>;
  readonly #exitPc: Local<'i32'>;
  readonly #answer: Local<'i32'>;
  /** Why it is left for the interpreter: a {@link Left}. */
  readonly #reason: Local<'i32'>;
  readonly #used: Registers = { x: 0, f: 0 };
  readonly #written: Registers = { x: 0, f: 0 };
  readonly #dirtyAt: ReadonlyMap<number, Registers>;
  readonly #longest: ReadonlyMap<number, number>;
  readonly #levels: Level[] = [];
  /** Beginning of the dispatch to entries, for indirect jumps within the region. */
  #dispatch: Label | undefined;
  #leave!: Label;
  #block!: Block;
  /** Instructions of the block before the current one. */
  #done = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.code = parts.code;
    this.#flow = structure(parts.region);
    this.#guest = new TranslatorGuest(this);
    this.#fuel = this.code.local('i32');
    this.#select = this.code.local('i32');
    this.#exitPc = this.code.local('i32');
    this.#answer = this.code.local('i32');
    this.#reason = this.code.local('i32');
    const written = new Map<number, Registers>();
    for (const block of parts.region.blocks.values()) written.set(block.start, this.#registersOf(block));
    this.#dirtyAt = dirtyAtEnd(parts.region, this.#flow.order, written);
    this.#longest = longestPaths(parts.region, this.#flow);
  }

  write(): void {
    const { code } = this;
    const { handle, region } = this.#parts;
    this.#declare();
    this.#load();
    code.set(this.#select, i32.shrU(handle, i32.const(Layout.Handle.ENTRY_SHIFT)));
    const indirect = [...region.blocks.values()].some(({ end }) => end.kind === 'jumpIndirect');
    code.block((leave) => {
      this.#leave = leave;
      if (indirect) this.#dispatch = code.openLoop();
      this.#level(undefined, this.#flow.items, () => undefined);
      if (indirect) code.close();
      code.unreachable();
    });
    this.#spill(this.#written);
    code.store('i64', zero, i64.extendU(this.#exitPc), Layout.PC);
    code.return(this.#reason);
    code.unreachable();
  }

  helper(name: HelperName): Callee {
    return this.#parts.helpers.get(name) as Callee;
  }

  sideExit(): void {
    const { code } = this;
    const rest = this.#block.ops.length - this.#done;
    if (rest > 0) code.set(this.#fuel, i32.add(this.#fuel, i32.const(rest)));
    code.set(this.#exitPc, i32.const(this.#guest.op.pc));
    code.set(this.#reason, i32.const(Left.INTERPRET));
    code.br(this.#leave);
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
    const { code } = this;
    const { find, depth, go, handle, signature } = this.#parts;
    const { end } = this.#block;
    if (end.kind === 'jumpIndirect') {
      code.if(i64.eqz(i64.shrU(target, i64.const(32))), () => {
        code.set(this.#answer, call('i32', find, i32.wrap(target)));
        const mine = i32.eqz(i32.and(i32.xor(this.#answer, handle), i32.const(Layout.Handle.INDEX_MASK)));
        code.if(mine, () => {
          code.set(this.#select, i32.shrU(this.#answer, i32.const(Layout.Handle.ENTRY_SHIFT)));
          code.br(this.#dispatch as Label);
        });
        this.#publish(target);
        code.if(i32.eqz(this.#answer), () => code.return(i32.const(Left.GO_ON)));
        code.returnCallIndirect(signature, i32.and(this.#answer, i32.const(Layout.Handle.INDEX_MASK)), this.#answer, depth);
      });
      this.#publish(target);
      code.return(i32.const(Left.WILD));
      return;
    }
    this.#publish(target);
    code.if(i64.ne(i64.shrU(target, i64.const(32)), i64.const(0)), () => code.return(i32.const(Left.WILD)));
    if (end.kind === 'callIndirect') this.#comeBack(end.next, () => call('i32', go, i32.wrap(target), i32.add(depth, i32.const(1))));
    // Whoever called sees from PC whether this is the return it waits for.
    else code.return(i32.const(Left.GO_ON));
  }

  // ───── calls and exits ─────

  #call(to: number, next: number): void {
    const { region, go, self, handle, depth } = this.#parts;
    this.#publish(i64.const(to));
    const deeper = i32.add(depth, i32.const(1));
    const own = region.entries.indexOf(to);
    if (own < 0) {
      this.#comeBack(next, () => call('i32', go, i32.const(to), deeper));
      return;
    }
    const index = i32.and(handle, i32.const(Layout.Handle.INDEX_MASK));
    const selected = i32.const((own + 1) << Layout.Handle.ENTRY_SHIFT);
    this.#comeBack(next, () => call('i32', self, i32.or(index, selected), deeper));
  }

  /** Makes a call, and goes on at `next` if that is where it comes back. Everything is in memory before. */
  #comeBack(next: number, made: () => I32): void {
    const { code } = this;
    const { depth, region } = this.#parts;
    code.if(i32.geS(depth, i32.const(CALL_DEPTH_MAX)), () => code.return(i32.const(Left.GO_ON)));
    code.set(this.#answer, made());
    code.if(this.#answer, () => code.return(this.#answer));
    const elsewhere = i64.ne(i64.load(zero, Layout.PC), i64.const(next));
    if (!region.blocks.has(next)) {
      code.return(i32.const(Left.GO_ON));
      return;
    }
    code.if(elsewhere, () => code.return(i32.const(Left.GO_ON)));
    this.#load();
    this.#branchTo(next);
  }

  #goTo(pc: number): void {
    if (this.#parts.region.blocks.has(pc)) {
      this.#branchTo(pc);
      return;
    }
    this.#publish(i64.const(pc));
    this.code.returnCall(this.#parts.go, i32.const(pc), this.#parts.depth);
  }

  /** Everything that changed since entry goes to memory. */
  #publish(pc: I64): void {
    this.#spill(this.#dirtyAt.get(this.#block.start) as Registers);
    this.code.store('i64', zero, pc, Layout.PC);
  }

  #spill({ x, f }: Registers): void {
    const { code } = this;
    for (let r = 1; r < 32; r++) {
      if (((x >>> r) & 1) !== 0) code.store('i64', zero, this.x[r] as Local<'i64'>, Layout.X + r * 8);
    }
    for (let r = 0; r < 32; r++) {
      if (((f >>> r) & 1) !== 0) code.store('i64', zero, this.f[r] as Local<'i64'>, Layout.F + r * 8);
    }
    code.store('i32', zero, this.#fuel, Layout.FUEL);
  }

  #declare(): void {
    for (let r = 1; r < 32; r++) if (((this.#used.x >>> r) & 1) !== 0) this.x[r] = this.code.local('i64');
    for (let r = 0; r < 32; r++) if (((this.#used.f >>> r) & 1) !== 0) this.f[r] = this.code.local('i64');
  }

  #load(): void {
    const { code } = this;
    for (const [r, local] of this.x.entries()) if (local !== undefined) code.set(local, i64.load(zero, Layout.X + r * 8));
    for (const [r, local] of this.f.entries()) if (local !== undefined) code.set(local, i64.load(zero, Layout.F + r * 8));
    code.set(this.#fuel, i32.load(zero, Layout.FUEL));
  }

  #registersOf({ ops }: Block): Registers {
    const written: Registers = { x: 0, f: 0 };
    for (const op of ops) addOperands(op, this.#used, written);
    this.#written.x |= written.x;
    this.#written.f |= written.f;
    return written;
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
    const { selected } = this.#flow;
    if (![...selected.keys()].some((pc) => indexOf.has(pc))) return;
    const table = (otherwise: Label): void => {
      const targets: Label[] = [otherwise];
      for (const [pc, number] of selected) targets[number] = labels[indexOf.get(pc) ?? -1] ?? otherwise;
      code.brTable(targets, otherwise, this.#select);
    };
    if (header === undefined) table(labels[0] as Label);
    else
      code.block((own) => {
        code.brIf(own, i32.eqz(this.#select));
        table(own);
      });
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
      if (level.items[index]?.block !== pc) code.set(this.#select, i32.const(this.#flow.selected.get(pc) as number));
      code.br(level.labels[index] as Label);
      return;
    }
    throw new Error(`no block at 0x${pc.toString(16)}`);
  }

  #writeBlock(pc: number): void {
    const { code } = this;
    const block = this.#parts.region.blocks.get(pc) as Block;
    this.#block = block;
    if (this.#flow.selected.has(pc)) code.set(this.#select, zero);
    const longest = this.#longest.get(pc) as number;
    if (isCheckpoint(this.#flow, pc)) {
      code.if(i32.ltS(this.#fuel, i32.const(longest)), () => {
        code.set(this.#exitPc, i32.const(pc));
        code.set(this.#reason, i32.const(Left.FUEL));
        code.br(this.#leave);
      });
    }
    code.set(this.#fuel, i32.sub(this.#fuel, i32.const(block.ops.length)));
    const plan = planGuards(block.ops);
    countChecks(block.ops, plan, this.#parts.checks);
    for (const [i, op] of block.ops.entries()) {
      this.#done = i;
      this.#guest.op = op;
      this.#guest.guard = plan.get(i);
      code.scratch(() => op.row.effect(this.#guest));
    }
    const last = block.ops.at(-1);
    if (block.end.kind === 'go' && last?.row.format !== 'J') this.#goTo(block.end.to);
  }
}

const isCheckpoint = (flow: Flow, pc: number): boolean => flow.selected.has(pc) || flow.headers.has(pc);

/** Instructions on the longest path from each block to the next look at the fuel. */
function longestPaths(region: Region, flow: Flow): ReadonlyMap<number, number> {
  const longest = new Map<number, number>();
  for (const pc of flow.order.toReversed()) {
    const block = region.blocks.get(pc) as Block;
    let rest = 0;
    for (const to of successors(region, block)) if (!isCheckpoint(flow, to)) rest = Math.max(rest, longest.get(to) as number);
    longest.set(pc, block.ops.length + rest);
  }
  return longest;
}

/** Registers that may differ from memory at the end of each block, before it spills. */
function dirtyAtEnd(region: Region, order: readonly number[], written: ReadonlyMap<number, Registers>): ReadonlyMap<number, Registers> {
  const atEnd = new Map<number, Registers>();
  const atStart = new Map<number, Registers>();
  for (const pc of order) atStart.set(pc, { x: 0, f: 0 });
  for (let changed = true; changed; ) {
    changed = false;
    for (const pc of order) {
      const block = region.blocks.get(pc) as Block;
      const start = atStart.get(pc) as Registers;
      const own = written.get(pc) as Registers;
      const end = { x: start.x | own.x, f: start.f | own.f };
      atEnd.set(pc, end);
      if (block.end.kind === 'call' || block.end.kind === 'callIndirect') continue;
      const to = block.end.kind === 'jumpIndirect' ? region.entries : successors(region, block);
      for (const next of to) {
        const into = atStart.get(next) as Registers;
        if ((into.x | end.x) === into.x && (into.f | end.f) === into.f) continue;
        into.x |= end.x;
        into.f |= end.f;
        changed = true;
      }
    }
  }
  return atEnd;
}
