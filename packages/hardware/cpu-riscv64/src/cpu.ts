import {
  type AddressSpace,
  type CodeStore,
  type Context,
  type Cpu,
  type CpuTraits,
  Errno,
  type Exit,
  FORGETFUL,
  type MemoryAccount,
  type Result,
  type TrapHandler,
  type Wait,
} from '@ashlar/hardware';
import { Codes, cpu } from '@ashlar/plugin';
import { Context as Riscv64ContextState } from './context.ts';
import { Counters } from './counters.ts';
import { SharedObjects } from './shared.ts';
import { Riscv64Space, type SpaceSettings } from './space.ts';
import { type Translation, type TranslatorOptions, translationOptions } from './translator/options.ts';

const TRAITS: CpuTraits = { sync: true, exactBudget: true, preemptible: true, saveable: true, forkable: true, dirty: 'tracked' };
const NO_WAIT: Wait = { on: [] };

/** RV64GC with Zba, Zbb and Zbs at user level, interpreted by a generated WebAssembly module; what is hot is translated to WebAssembly. */
@cpu({
  name: 'riscv64',
  interface: '1',
  version: '0.1.0',
  summary: 'RV64GC with Zba, Zbb, Zbs at user level: interpreted, and translated to WebAssembly where it is hot',
  inject: [Codes],
  traits: { isa: 'riscv64-user', ...TRAITS },
})
export class Riscv64Cpu implements Cpu {
  readonly isa = 'riscv64-user';
  readonly traits = TRAITS;
  /** Shared memory by domain: an account belongs to one. */
  readonly #objects = new WeakMap<MemoryAccount, SharedObjects>();

  readonly #counters = new Counters();
  readonly #settings: SpaceSettings;

  /** `codes`: where translated code is kept. `translate`: when code is translated. What a guest sees is the same. */
  constructor(codes: CodeStore = FORGETFUL, translate?: Translation | TranslatorOptions) {
    this.#settings = { codes, counters: this.#counters, translate: translationOptions(translate) };
  }

  space(account: MemoryAccount): AddressSpace | Result {
    let objects = this.#objects.get(account);
    if (objects === undefined) {
      objects = new SharedObjects();
      this.#objects.set(account, objects);
    }
    return new Riscv64Space(account, objects, this.#settings);
  }

  context(_space: AddressSpace, code?: Uint8Array): Context | Result {
    return code === undefined ? new Riscv64ContextState() : -Errno.EINVAL;
  }

  clone(from: Context, _space: AddressSpace): Context | Result {
    const copy = new Riscv64ContextState();
    copy.copyOf(own(from));
    return copy;
  }

  run(context: Context, space: AddressSpace, onTrap: TrapHandler, budget: number): Exit {
    if (!(space instanceof Riscv64Space)) throw new TypeError('run: the space was made by another CPU; make it with space() of this one');
    return space.hart.run(own(context), onTrap, budget);
  }

  stall(context: Context): Wait {
    return own(context).stalledOn ?? NO_WAIT;
  }

  interrupt(context: Context): void {
    own(context).interrupted = true;
  }

  counters(): Readonly<Record<string, number>> {
    return this.#counters.all();
  }
}

function own(context: Context): Riscv64ContextState {
  if (context instanceof Riscv64ContextState) return context;
  throw new TypeError('the context was made by another CPU; make it with context() of this one');
}
