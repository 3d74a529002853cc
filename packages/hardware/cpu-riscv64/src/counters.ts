import type { Engine } from './engine.ts';
import { Left } from './interpreter/stops.ts';
import { EXITS, TRANSLATED } from './layout.ts';

const HIGH = 2 ** 32;
const EXIT_REASONS = Object.values(Left);

/** What one CPU did since it was made: for people, and never seen by a guest. What the generated code counts is in the memory of each engine. */
export class Counters {
  /** All instructions, in whichever tier. */
  instructions = 0;
  systemCalls = 0;
  faults = 0;
  otherTraps = 0;
  /** Accesses that the permission bytes did not allow at once. */
  misses = 0;
  modules = 0;
  /** Translations of another space that were put in place here. */
  modulesShared = 0;
  regions = 0;
  regionsDropped = 0;
  /** Guest instructions in the regions made; those made anew count anew. */
  regionInstructions = 0;
  /** Besides, those in copies of small functions within their callers. */
  copiedInstructions = 0;
  /** Host time spent in making and placing modules; the host compiles their functions when they are first called. */
  translationMs = 0;
  checksKept = 0;
  checksElided = 0;
  readonly #live = new Set<Engine>();
  #translated = 0;
  readonly #exits = new Map<number, number>();

  /** An engine serves a space of this CPU. */
  add(engine: Engine): void {
    this.#live.add(engine);
  }

  /** The space ends: what its engine counted is kept, and its counters are zero again. */
  remove(engine: Engine): void {
    this.#live.delete(engine);
    this.#translated += read(engine, TRANSLATED);
    for (const reason of EXIT_REASONS) this.#exits.set(reason, (this.#exits.get(reason) ?? 0) + read(engine, EXITS + reason * 8));
    engine.u8.fill(0, TRANSLATED, EXITS + EXIT_REASONS.length * 8);
  }

  /** Of all instructions those that the interpreter executed. */
  get interpreted(): number {
    let translated = this.#translated;
    for (const engine of this.#live) translated += read(engine, TRANSLATED);
    return this.instructions - translated;
  }

  /** By name; a name ends in its unit where it is not a plain count. */
  all(): Readonly<Record<string, number>> {
    const { interpreted } = this;
    const exits = new Map(this.#exits);
    for (const engine of this.#live) {
      for (const reason of EXIT_REASONS) exits.set(reason, (exits.get(reason) ?? 0) + read(engine, EXITS + reason * 8));
    }
    const exit = (reason: number): number => exits.get(reason) ?? 0;
    return {
      instructionsInterpreted: interpreted,
      instructionsTranslated: this.instructions - interpreted,
      exitsToUntranslatedCode: exit(Left.GO_ON),
      exitsToInterpretOne: exit(Left.INTERPRET),
      exitsForFuel: exit(Left.FUEL),
      exitsToWildAddress: exit(Left.WILD),
      systemCalls: this.systemCalls,
      faults: this.faults,
      otherTraps: this.otherTraps,
      accessesAsked: this.misses,
      modulesMade: this.modules,
      modulesShared: this.modulesShared,
      regionsMade: this.regions,
      regionsDropped: this.regionsDropped,
      regionInstructions: this.regionInstructions,
      copiedInstructions: this.copiedInstructions,
      translationMs: this.translationMs,
      checksKept: this.checksKept,
      checksElided: this.checksElided,
    };
  }
}

const read = ({ u32 }: Engine, at: number): number => (u32[at >> 2] as number) + (u32[(at >> 2) + 1] as number) * HIGH;
