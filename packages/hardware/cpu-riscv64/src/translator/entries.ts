import { leaveAt } from '../interpreter/agreement.ts';
import { Left } from '../interpreter/stops.ts';
import * as Layout from '../layout.ts';
import type { Code, Label, Local } from '../wasm/code.ts';
import { i32, i64 } from '../wasm/expression.ts';
import type { Flow } from './flow.ts';
import type { Plans } from './guards.ts';
import type { Integers } from './integers.ts';
import { include, none } from './lifetimes.ts';
import type { Loads } from './loads.ts';
import type { Registers } from './operands.ts';
import { requireAccess } from './permissions.ts';
import type { Region } from './region.ts';
import type { Held, Words } from './words.ts';

/** What the entries of a region are written with. */
export interface Entering {
  readonly code: Code;
  readonly region: Region;
  /** Which entry, from 1; from within the region, which block that is selected. */
  readonly way: Local<'i32'>;
  readonly fuel: Local<'i32'>;
  readonly flow: Flow;
  readonly words: Words;
  /** See {@link Plans.entries}. */
  readonly guards: Plans['entries'];
  readonly loads: Loads;
  readonly integers: Integers;
  /** Loads registers from memory. */
  readonly load: (registers: Registers) => void;
}

/** Writes how a region is entered. */
export class Entries {
  readonly #parts: Entering;
  /** Whether any entry takes registers for words. */
  readonly #takes: boolean;

  constructor(parts: Entering) {
    this.#parts = parts;
    this.#takes = parts.region.entries.some((pc) => this.#taken(pc).words !== 0);
  }

  /** Where indirect jumps within the region go to entries too: makes it seen which ways come from without, in front of the dispatch. */
  mark(): void {
    const { code, way, flow } = this.#parts;
    if (this.#takes) code.set(way, i32.add(way, i32.const(flow.selected.size)));
  }

  /**
   * From where the region is entered, and from its indirect jumps if it has any, to the items that entries are in, with what is valid in locals there.
   * `labels`: of the items; `indexOf`: the item that a block is in.
   */
  write(labels: readonly Label[], indexOf: ReadonlyMap<number, number>, isDispatched: boolean): void {
    const { code, region, way, flow, loads, load } = this.#parts;
    const targets: Label[] = [labels[0] as Label];
    for (const [pc, number] of flow.selected) targets[number] = labels[indexOf.get(pc) as number] as Label;
    if (isDispatched) {
      if (this.#takes) this.#writeTakingFromWithout(targets);
      code.brTable(targets, labels[0] as Label, way);
      return;
    }
    // The first is where a guest function begins, as a rule.
    const [first, ...others] = region.entries as [number, ...number[]];
    if (others.length > 0)
      code.if(i32.ne(way, i32.const(1)), () => {
        const rest = none();
        for (const pc of others) include(rest, loads.valid.get(pc) as Registers);
        load(rest);
        this.#writeTaking(targets, others);
      });
    load(loads.valid.get(first) as Registers);
    this.#take(first, targets[1] as Label);
  }

  /** Leaves whatever entry is wanted to the interpreter. */
  refuse(): void {
    const { code, region, way, fuel } = this.#parts;
    const labels = region.entries.map(() => code.open()).reverse();
    code.brTable([labels[0] as Label, ...labels], labels[0] as Label, way);
    for (const pc of region.entries) {
      code.close();
      code.return(leaveAt(pc, Left.INTERPRET, 0), fuel);
    }
  }

  #writeTakingFromWithout(targets: readonly Label[]): void {
    const { code, region, way, flow } = this.#parts;
    const count = i32.const(flow.selected.size);
    code.block((within) => {
      code.brIf(within, i32.leU(way, count));
      code.set(way, i32.sub(way, count));
      this.#writeTaking(targets, region.entries);
    });
  }

  /** `targets`: where ways lead, by number. */
  #writeTaking(targets: readonly Label[], entries: readonly number[]): void {
    const { code, way, flow, guards } = this.#parts;
    const looking = [...targets];
    const taken = entries.flatMap((pc) => {
      const number = flow.selected.get(pc) as number;
      if (this.#taken(pc).words === 0 && !guards.has(pc)) return [];
      looking[number] = code.open();
      return [{ pc, target: targets[number] as Label }];
    });
    code.brTable(looking, targets[0] as Label, way);
    for (const { pc, target } of taken.toReversed()) {
      code.close();
      this.#take(pc, target);
    }
  }

  /**
   * To an entry. Where some registers are to be words on the way from without, and some accesses to be allowed, it is looked whether they are. If not, the
   * interpreter goes on: it executes an instruction at least, and comes back when its way leads to an entry again.
   */
  #take(pc: number, target: Label): void {
    const { code, integers, guards } = this.#parts;
    const held = this.#taken(pc);
    if (held.words !== 0) {
      const rest = integers.narrow(held);
      code.ifRarely(i64.ne(rest, i64.const(0)), () => this.#refuseAt(pc));
    }
    const looked = guards.get(pc);
    if (looked === undefined) {
      code.br(target);
      return;
    }
    code.block((bad) => {
      for (const [register, guard] of looked) requireAccess(code, i64.load(i32.const(0), Layout.X + register * 8), guard, bad);
      code.br(target);
    });
    this.#refuseAt(pc);
  }

  #refuseAt(pc: number): void {
    const { code, fuel } = this.#parts;
    code.return(leaveAt(pc, Left.INTERPRET, 0), fuel);
  }

  /** What an entry takes for words. */
  #taken(pc: number): Held {
    return this.#parts.words.start.get(pc) as Held;
  }
}
