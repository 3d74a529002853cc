import { floatHelpers } from '../float/helpers.ts';
import { isIllegalMode, writeHostLimit } from '../float/host-limit.ts';
import type { HelperName } from '../isa/instruction.ts';
import { TrapCause } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import { type Callee, type Code, call, type Label } from '../wasm/code.ts';
import { choose, i32, i64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { Answer, isOdd, Params, RESULTS, Settled, stoppedAnswer } from './agreement.ts';
import { FINISH_CALL, PREDECODE, SYSTEM_CALL } from './exports.ts';
import { InterpreterGuest, type Machinery, pcOf, sampleJump } from './guest.ts';
import { integerHelpers } from './helpers.ts';
import { CASES } from './opcodes.ts';
import { predecodeFunction } from './predecoder.ts';
import { Left, Stop } from './stops.ts';

/** What the module asks of its host. All numbers are 32-bit. */
export interface InterpreterImports {
  /** An ecall, ebreak or illegal instruction at PC. 0: go on at PC; 1: leave. Sets FUEL. */
  trap(cause: number): number;
  /** An access that the fast path did not allow. 1: go ahead; 0: refused, and the host knows why. `bytes` 0: misaligned atomic. */
  miss(low: number, high: number, bytes: number, perm: number): number;
  /** Code slot for the page of `pc`, or 0: cannot be executed. */
  enter(pc: number): number;
  /** Whether a page can be executed in which an instruction goes on; 0 or 1. */
  follow(page: number): number;
  /** A jump to `pc` was sampled. Gives the number of jumps until the next sample. */
  hot(pc: number): number;
}

/** By size of the access: below 4 GiB, and a multiple of the size. */
const ADDRESS_MASKS = BigInt64Array.of(1n, 2n, 4n, 8n).map((bytes) => bytes - 1n - 2n ** 32n);

/** The interpreter as a WebAssembly module: `run()` executes from PC with FUEL and returns a {@link Stop}. */
export function interpreterModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(Layout.BASE_WASM_PAGES);
  const trap = module.import('trap', ['i32'], 'i32');
  const miss = module.import('miss', ['i32', 'i32', 'i32', 'i32'], 'i32');
  const enter = module.import('enter', ['i32'], 'i32');
  const follow = module.import('follow', ['i32'], 'i32');
  const hot = module.import('hot', ['i32'], 'i32');
  module.importTable();
  const region = module.signature(Params.region, RESULTS);
  const integer = integerHelpers(module);
  const helpers = new Map([...integer.helpers, ...floatHelpers(module, integer.mulhu)]);
  const probe = probeFunction(module, miss);
  const settle = settleFunction(module, hot);
  const note = noteFunction(module);
  const decode = predecodeFunction(module, follow);
  const run = module.function(
    [],
    'i32',
    (code) => writeRun(code, { trap, enter, decode, hot, settle, probe, note, region, helpers }),
    'run',
  );
  module.data(Layout.ADDRESS_MASKS, new Uint8Array(ADDRESS_MASKS.buffer));
  module.export(PREDECODE, decode);
  module.export(FINISH_CALL, finishCallFunction(module, settle, run));
  module.export(SYSTEM_CALL, systemCallFunction(module, trap));
  return module.finish();
}

/** Whether all of `bytes` at an address may be accessed; asks the host where the permission bytes do not say so. */
function probeFunction(module: ModuleBuilder, miss: Callee): Callee {
  return module.function(['i64', 'i32', 'i32'], 'i32', (code, [address, bytes, perm]) => {
    const low = i32.wrap(address);
    const page = (at: typeof low) => i32.load8u(i32.shrU(at, i32.const(Layout.PAGE_SHIFT)), Layout.PERMS);
    const last = i32.sub(i32.add(low, bytes), i32.const(1));
    const granted = i32.ne(i32.and(i32.and(page(low), page(last)), perm), i32.const(0));
    const narrow = i32.and(i64.eqz(i64.shrU(address, i64.const(32))), i32.ne(bytes, i32.const(0)));
    code.if(choose(narrow, granted, i32.const(0)), () => code.return(i32.const(1)));
    code.return(call('i32', miss, low, i32.wrap(i64.shrU(address, i64.const(32))), bytes, perm));
    code.unreachable();
  });
}

/** (address of a call, what it calls): for the translator, see {@link Layout.CALLEES}. */
function noteFunction(module: ModuleBuilder): Callee {
  return module.function(['i32', 'i32'], 'i32', (code, [pc, callee]) => {
    const zero = i32.const(0);
    const at = code.let(i32.and(i32.shl(pc, i32.const(3)), i32.const(Layout.CALLEE_MASK)));
    code.if(i32.ne(i32.load(at, Layout.CALLEES), pc), () => {
      code.store('i32', at, pc, Layout.CALLEES);
      for (let i = 1; i <= Layout.CALLEES_MAX; i++) code.store('i32', at, zero, Layout.CALLEES + i * 4);
    });
    for (let i = 1; i <= Layout.CALLEES_MAX; i++) {
      const seen = code.let(i32.load(at, Layout.CALLEES + i * 4));
      code.if(i32.eq(seen, callee), () => code.return(zero));
      code.if(i32.eqz(seen), () => {
        code.store('i32', at, callee, Layout.CALLEES + i * 4);
        code.return(zero);
      });
    }
    code.store('i32', at, i32.const(Layout.ANY_CALLEE), Layout.CALLEES + 4);
    code.return(zero);
    code.unreachable();
  });
}

/** Jumps that one out of translated code to code that is not translated counts as: going back and forth costs most. */
const EXIT_WEIGHT = 8;

/**
 * (answer of translated code) → what is to be done, see {@link Settled}. Counts it, puts the address to go on at into PC, and gives FUEL back what was not
 * used.
 */
function settleFunction(module: ModuleBuilder, hot: Callee): Callee {
  return module.function(['i64'], 'i32', (code, [answer]) => {
    const zero = i32.const(0);
    code.if(i64.eq(answer, i64.load(zero, Layout.BACK)), () => code.return(i32.const(Settled.BACK)));
    const high = code.let(i32.wrap(i64.shrU(answer, i64.const(32))));
    const target = code.let(i32.and(i32.wrap(answer), i32.const(~1)));
    const reason = code.let(i32.select(i64.geU(answer, i64.const(Layout.BELOW_ZERO)), i32.const(Left.WILD), i32.const(Left.GO_ON)));
    code.if(isOdd(answer), () => {
      code.set(reason, i32.shrU(high, i32.const(Answer.REASON_SHIFT)));
      code.if(i32.eq(reason, i32.const(Settled.STOPPED)), () => code.return(reason));
      code.store('i32', zero, i32.add(i32.load(zero, Layout.FUEL), i32.and(high, i32.const(Answer.REST_MASK))), Layout.FUEL);
    });
    const exits = i32.shl(reason, i32.const(3));
    code.store('i64', exits, i64.add(i64.load(exits, Layout.EXITS), i64.const(1)), Layout.EXITS);
    code.store('i64', zero, i64.extendU(target), Layout.PC);
    code.if(i32.eq(reason, i32.const(Left.WILD)), () => {
      code.store('i64', zero, answer, Layout.PC);
      code.return(reason);
    });
    code.store('i32', zero, i32.select(reason, target, i32.const(1)), Layout.REFUSED);
    // Where translated code cannot go on is jumped to from hot code.
    code.if(i32.eqz(reason), () => sampleJump(code, hot, EXIT_WEIGHT, target));
    code.return(reason);
    code.unreachable();
  });
}

/** Guest calls that are wasm calls around the interpreter, at most, where it finishes another: it takes the host's stack, too. */
const FINISH_DEPTH_MAX = 120;
/** Guest calls that finishing one counts as. */
const FINISH_DEPTH = 2;

/**
 * (odd answer, address that the call returns to, depth, fuel) → answer, fuel: for translated code whose call came back before it was over, since there was something for
 * the interpreter. It goes on until the call returns, so that the code around need not be left. Any other answer than the address is for the caller's caller.
 */
function finishCallFunction(module: ModuleBuilder, settle: Callee, run: Callee): Callee {
  return module.function(Params.finishCall, RESULTS, (code, [answer, next, depth, left]) => {
    const zero = i32.const(0);
    const around = code.let(i64.load(zero, Layout.BACK));
    const reason = i64.shrU(answer, i64.const(32 + Answer.REASON_SHIFT));
    code.if(i64.gtU(reason, i64.const(Left.INTERPRET)), () => code.return(answer, left));
    code.if(i32.or(i32.geS(depth, i32.const(FINISH_DEPTH_MAX)), i64.eq(answer, around)), () => code.return(answer, left));
    const depthAround = code.let(i32.load(zero, Layout.DEPTH));
    const withdrawals = code.let(i32.load(zero, Layout.WITHDRAWALS));
    code.store('i64', zero, i64.extendU(next), Layout.BACK);
    code.store('i32', zero, i32.add(depth, i32.const(FINISH_DEPTH)), Layout.DEPTH);
    code.store('i32', zero, left, Layout.FUEL);
    code.drop(call('i32', settle, answer));
    const fuel = code.let(i32.load(zero, Layout.FUEL));
    const stop = code.let(call('i32', run));
    code.store('i64', zero, around, Layout.BACK);
    code.store('i32', zero, depthAround, Layout.DEPTH);
    // Who called the code that waits takes all that it used for translated.
    const used = i64.extendS(i32.sub(fuel, i32.load(zero, Layout.FUEL)));
    code.store('i64', zero, i64.sub(i64.load(zero, Layout.TRANSLATED), used), Layout.TRANSLATED);
    code.if(i32.eq(stop, i32.const(Stop.BACK)), () => {
      code.if(i32.eq(withdrawals, i32.load(zero, Layout.WITHDRAWALS)), () => {
        writeHostLimit(code);
        code.if(i32.eqz(isIllegalMode(i32.load(zero, Layout.FCSR))), () => code.return(i64.extendU(next), i32.load(zero, Layout.FUEL)));
      });
      code.store('i64', zero, i64.extendU(next), Layout.PC);
      code.set(stop, i32.const(Stop.BUDGET));
    });
    code.store('i32', zero, stop, Layout.STOPPED);
    code.return(stoppedAnswer, i32.load(zero, Layout.FUEL));
    code.unreachable();
  });
}

/**
 * (address, fuel) → answer, fuel: the system call at an address, for translated code that has charged its fuel with it. The answer is the address behind it, as of
 * a call that returns there, unless there is something else to do: the kernel may have stopped the context, moved it elsewhere, or changed what the code
 * that waits has found out.
 */
function systemCallFunction(module: ModuleBuilder, trap: Callee): Callee {
  return module.function(Params.systemCall, RESULTS, (code, [pc, fuel]) => {
    const zero = i32.const(0);
    code.store('i64', zero, i64.extendU(pc), Layout.PC);
    // It is retired when the kernel has moved the pc.
    code.store('i32', zero, i32.add(fuel, i32.const(1)), Layout.FUEL);
    const known = [Layout.WITHDRAWALS, Layout.FCSR].map((at) => ({ at, before: code.let(i32.load(zero, at)) }));
    const stop = code.let(i32.const(Stop.HOST));
    code.if(i32.eqz(call('i32', trap, i32.const(TrapCause.syscall))), () => {
      const changes = known.map(({ at, before }) => i32.xor(before, i32.load(zero, at)));
      code.if(i32.eqz(changes.reduce(i32.or)), () => {
        const behind = i64.extendU(i32.add(pc, i32.const(4)));
        const after = code.let(i64.load(zero, Layout.PC));
        code.return(i64.select(i64.eq(after, behind), after, i64.or(after, i64.const(1))), i32.load(zero, Layout.FUEL));
      });
      code.set(stop, i32.const(Stop.BUDGET));
    });
    code.store('i32', zero, stop, Layout.STOPPED);
    code.return(stoppedAnswer, i32.load(zero, Layout.FUEL));
    code.unreachable();
  });
}

interface RunParts {
  readonly trap: Callee;
  readonly enter: Callee;
  readonly decode: Callee;
  readonly hot: Callee;
  readonly settle: Callee;
  /** Type of a region's function: see translator/emit.ts. */
  readonly region: number;
  readonly probe: Callee;
  readonly note: Callee;
  readonly helpers: ReadonlyMap<HelperName, Callee>;
}

function writeRun(code: Code, parts: RunParts): void {
  const locals = {
    entry: code.local('i32'),
    word: code.local('i32'),
    fuel: code.local('i32'),
    target: code.local('i32'),
    stop: code.local('i32'),
    where: code.local('i64'),
  };
  const { entry, word, fuel, target, stop } = locals;
  const zero = i32.const(0);
  code.set(fuel, i32.load(zero, Layout.FUEL));
  code.set(target, i32.load(zero, Layout.PC));
  code.store('i32', zero, i32.const(1), Layout.REFUSED);
  code.block((leave) => {
    code.block((exit) => {
      code.loop((enter) => {
        writeEnter(code, locals, parts.enter, leave);
        code.loop((next) => {
          code.set(word, i32.load(entry));
          code.if(i32.leS(fuel, zero), () => {
            code.set(stop, i32.const(Stop.BUDGET));
            code.br(exit);
          });
          const { helpers, probe, note, trap, hot } = parts;
          const machinery: Machinery = { code, ...locals, enter, next, exit, leave, helpers, probe, note, hostTrap: trap, hot };
          code.loop((again) =>
            writeCases(machinery, () => writeTranslated(machinery, parts, again), [
              () => {
                code.brIf(next, call('i32', parts.decode, i32.wrap(pcOf(entry)), entry));
                code.set(stop, i32.const(Stop.HOST));
                code.br(exit);
              },
              () => {
                code.set(target, i32.wrap(pcOf(entry)));
                code.br(enter);
              },
              () => new InterpreterGuest(machinery, false).trap(TrapCause.illegal),
            ]),
          );
        });
      });
    });
    code.store('i64', zero, pcOf(entry), Layout.PC);
  });
  code.store('i32', zero, fuel, Layout.FUEL);
  code.return(stop);
  code.unreachable();
}

/** Enters the translated code of the entry, unless it was just left here; then the entry's instruction is executed. */
function writeTranslated(machinery: Machinery, { region, settle }: RunParts, again: Label): void {
  const { code, entry, word, fuel, target, stop, where, enter, leave } = machinery;
  const zero = i32.const(0);
  code.set(target, i32.wrap(pcOf(entry)));
  // The shift takes TRANSLATED out. `word` is free until the next dispatch.
  code.set(word, i32.shl(word, i32.const(Math.log2(Layout.HANDLE_BYTES))));
  code.if(i32.eq(target, i32.load(zero, Layout.REFUSED)), () => {
    code.store('i32', zero, i32.const(1), Layout.REFUSED);
    code.set(word, i32.load(word, Layout.HANDLES + 4));
    code.br(again);
  });
  code.set(word, i32.load(word, Layout.HANDLES));
  const index = i32.and(word, i32.const(Layout.Handle.INDEX_MASK));
  const way = i32.shrU(word, i32.const(Layout.Handle.ENTRY_SHIFT));
  const before = code.let(fuel);
  code.callIndirectInto([where, fuel], region, index, way, i32.load(zero, Layout.DEPTH), fuel);
  code.store('i32', zero, fuel, Layout.FUEL);
  code.set(word, call('i32', settle, where));
  code.set(fuel, i32.load(zero, Layout.FUEL));
  const used = i64.extendU(i32.sub(before, fuel));
  code.store('i64', zero, i64.add(i64.load(zero, Layout.TRANSLATED), used), Layout.TRANSLATED);
  const ends = {
    [Settled.WILD]: i32.const(Stop.WILD),
    [Settled.STOPPED]: i32.load(zero, Layout.STOPPED),
    [Settled.BACK]: i32.const(Stop.BACK),
  };
  for (const [settled, why] of Object.entries(ends)) {
    code.if(i32.eq(word, i32.const(Number(settled))), () => {
      code.set(stop, why);
      code.br(leave);
    });
  }
  code.set(target, i32.and(i32.wrap(where), i32.const(~1)));
  code.br(enter);
}

/** Finds the entry of `target`, asking the host for the page's code if it has none yet. */
function writeEnter(code: Code, locals: Pick<Machinery, 'entry' | 'word' | 'fuel' | 'target' | 'stop'>, host: Callee, leave: Label): void {
  const { entry, fuel, target, stop } = locals;
  const slot = locals.word;
  code.set(slot, i32.load16u(i32.shl(i32.shrU(target, i32.const(Layout.PAGE_SHIFT)), i32.const(1)), Layout.CODE_INDEX));
  code.if(i32.eqz(slot), () => {
    // A fetch that faults belongs to the instruction that it would bring, so it waits for fuel.
    code.set(stop, i32.const(Stop.BUDGET));
    code.if(fuel, () => {
      code.set(slot, call('i32', host, target));
      code.set(stop, i32.const(Stop.HOST));
    });
    code.if(i32.eqz(slot), () => {
      code.store('i64', i32.const(0), i64.extendU(target), Layout.PC);
      code.if(i32.geU(target, i32.const(Layout.BELOW_ZERO | 0)), () => {
        code.store('i64', i32.const(0), i64.extendS(target), Layout.PC);
        code.set(stop, i32.const(Stop.WILD));
      });
      code.br(leave);
    });
  });
  const offset = i32.shl(i32.and(target, i32.const(Layout.PAGE_SIZE - 2)), i32.const(2));
  code.set(entry, i32.add(i32.add(i32.mul(slot, i32.const(Layout.CODE_SLOT_BYTES)), offset), i32.const(Layout.CODE_SLOTS)));
  const bias = i64.sub(i64.shl(i64.extendU(target), i64.const(2)), i64.extendU(entry));
  code.store('i64', i32.const(0), bias, Layout.BIAS);
}

/** `br_table` over nested blocks: special opcodes first, then one case per row of the table. */
function writeCases(machinery: Machinery, translated: () => void, special: readonly (() => void)[]): void {
  const { code, word } = machinery;
  const count = Layout.Opcode.FIRST + CASES.length;
  // The block of opcode 0 is the innermost, so its code comes first, directly behind the dispatch.
  const labels: Label[] = Array.from({ length: count });
  // Opcodes past the last: the entry has TRANSLATED.
  const other = code.open();
  for (let opcode = count - 1; opcode >= 0; opcode--) labels[opcode] = code.open();
  code.brTable(labels, other, i32.shrU(word, i32.const(Layout.Entry.OPCODE_SHIFT)));
  for (let opcode = 0; opcode < count; opcode++) {
    code.close();
    writeCase(machinery, special, opcode);
  }
  code.close();
  translated();
}

function writeCase(machinery: Machinery, special: readonly (() => void)[], opcode: number): void {
  const { code } = machinery;
  const own = special[opcode];
  if (own !== undefined) {
    own();
    return;
  }
  const row = CASES[opcode - Layout.Opcode.FIRST];
  if (row === undefined) throw new Error(`no case ${opcode}`);
  const guest = new InterpreterGuest(machinery, row.near);
  code.scratch(() => row.instruction.effect(guest));
  guest.fallThrough();
}
