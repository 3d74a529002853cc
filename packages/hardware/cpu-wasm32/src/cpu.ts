import {
  type AddressSpace,
  type Context,
  type Cpu,
  type CpuTraits,
  Errno,
  type Exit,
  MACHINE_INTERFACE,
  type MemoryAccount,
  type Reply,
  type Result,
  type TrapHandler,
  type Wait,
} from '@ashlar/hardware';
import { cpu } from '@ashlar/plugin';
import { ModuleError } from './binary/reader.ts';
import { type CompiledModule, ModuleCache } from './compiled.ts';
import { NativeContext } from './native.ts';
import { PreciseContext, type PreciseHost } from './precise.ts';
import { LinearSpace } from './space.ts';
import { FrameStack } from './support.ts';

const PRECISE: CpuTraits = { sync: true, exactBudget: true, preemptible: true, saveable: true, forkable: true, dirty: 'none' };
const NATIVE: CpuTraits = { sync: true, exactBudget: false, preemptible: false, saveable: false, forkable: false, dirty: 'none' };
/** Goes on in the next step. */
const AGAIN: Wait = Object.freeze({ on: [], until: Object.freeze({ sec: 0, nsec: 0 }) });
const NOTHING: Wait = Object.freeze({ on: Object.freeze([]) });

/** Runs `make`, which loads a module: a module that is refused becomes -ENOEXEC. */
function refusing<T extends Context>(make: () => T | Reply, refused: (reason: string) => void): T | Reply {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    refused(error.message);
    return -Errno.ENOEXEC;
  }
}

/**
 * The `wasm32` CPU in mode precise: modules are rewritten when they are loaded, so that a program can be left at every import, preempted, saved
 * and cloned. Contexts answer to {@link Wasm32Context}.
 *
 * What is counted as instructions: each is 1, `block`, `loop`, `else`, `end` and `nop` are 0, memory.copy and fill one for each 64 bytes. They are
 * counted in runs of straight-line code when the run begins; up to some two dozen instructions behind a branch may be counted with what is in front
 * of it, and those of a short function without loops by its caller (not at all where it is called through a table). The count is a function of the
 * program and its input only: any split of the same budget stops it at the same places, and a run retires exactly its budget unless something else
 * ends it.
 *
 * A program is preempted at function entries, loop heads, and every 2,000 instructions of straight-line code; what it runs beyond its
 * budget until then is counted in the next run. Faults: `fault` for memory accesses out of bounds (address 0: the engine does not tell) and for
 * a call stack that outgrows the host's; `illegal` for all others. A context stays at its fault.
 */
@cpu({
  name: 'wasm32',
  interface: MACHINE_INTERFACE,
  version: '0.1.0',
  summary: 'WebAssembly modules, rewritten so that they are preemptible and saveable',
  traits: { isa: 'wasm32', ...PRECISE },
})
export class Wasm32Cpu implements Cpu {
  readonly isa = 'wasm32';
  readonly traits = PRECISE;
  private readonly cache = new ModuleCache('precise');
  private readonly host = new Host(this.cache);
  /** Why the last module was refused with -ENOEXEC. */
  lastRefusal = '';

  space(account: MemoryAccount): AddressSpace | Result {
    return new LinearSpace(account);
  }

  /** Without `code`: an empty context, to be restored. */
  context(space: AddressSpace, code?: Uint8Array): Context | Reply {
    if (!(space instanceof LinearSpace)) return -Errno.EINVAL;
    return refusing(
      () => {
        const context = new PreciseContext(this.host, space);
        if (code === undefined) return context;
        const compiled = this.cache.ask(code);
        if (compiled === undefined) return AGAIN;
        const result = context.load(compiled);
        return result < 0 ? result : context;
      },
      (reason) => {
        this.lastRefusal = reason;
      },
    );
  }

  pending(): Promise<void> | undefined {
    return this.cache.pending();
  }

  /** -EBUSY in the trap handler of `from`. */
  clone(from: Context, space: AddressSpace): Context | Result {
    if (!(from instanceof PreciseContext && space instanceof LinearSpace)) return -Errno.EINVAL;
    return from.clone(space);
  }

  run(context: Context, _space: AddressSpace, onTrap: TrapHandler, budget: number): Exit {
    return (context as PreciseContext).run(onTrap, budget);
  }

  stall(_context: Context): Wait {
    return NOTHING;
  }

  interrupt(context: Context): void {
    (context as PreciseContext).interrupt();
  }
}

/** What a CPU's contexts share, made when there is one: most stacks run no WebAssembly. */
class Host implements PreciseHost {
  #frames: FrameStack | undefined;

  constructor(private readonly cache: ModuleCache) {}

  get frames(): FrameStack {
    this.#frames ??= new FrameStack();
    return this.#frames;
  }

  compile(code: Uint8Array): CompiledModule {
    return this.cache.get(code);
  }
}

/**
 * The same CPU in mode native: the engine runs the module as it is, at full speed. Nothing is counted, a spinning program does not come back,
 * and nothing can be saved; a handler that answers LEAVE ends the program for good, so a call can block only where its handler finds
 * the answer at once. Meant for trusted programs in a `worker`, which can end the thread.
 */
@cpu({
  name: 'wasm32-native',
  interface: MACHINE_INTERFACE,
  version: '0.1.0',
  summary: 'WebAssembly modules as they are: fastest, neither preemptible nor saveable',
  traits: { isa: 'wasm32', ...NATIVE },
})
export class NativeWasm32Cpu implements Cpu {
  readonly isa = 'wasm32';
  readonly traits = NATIVE;
  private readonly cache = new ModuleCache('native');
  lastRefusal = '';

  space(account: MemoryAccount): AddressSpace | Result {
    return new LinearSpace(account);
  }

  context(space: AddressSpace, code?: Uint8Array): Context | Reply {
    if (!(space instanceof LinearSpace) || !code) return -Errno.EINVAL;
    return refusing(
      () => {
        const compiled = this.cache.ask(code);
        if (compiled === undefined) return AGAIN;
        const context = new NativeContext(space);
        const result = context.load(compiled);
        return result < 0 ? result : context;
      },
      (reason) => {
        this.lastRefusal = reason;
      },
    );
  }

  pending(): Promise<void> | undefined {
    return this.cache.pending();
  }

  clone(_from: Context, _space: AddressSpace): Result {
    return -Errno.ENOSYS;
  }

  run(context: Context, _space: AddressSpace, onTrap: TrapHandler, _budget: number): Exit {
    return (context as NativeContext).run(onTrap);
  }

  stall(_context: Context): Wait {
    return NOTHING;
  }

  interrupt(_context: Context): void {}
}
