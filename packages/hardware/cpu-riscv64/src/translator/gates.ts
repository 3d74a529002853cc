import type { Code, Local } from '../wasm/code.ts';
import { i32, i64 } from '../wasm/expression.ts';
import { type Beginner, fuelAt, type Gate, writeAdmission, writeBeginning } from './admission.ts';
import type { Beginning } from './beginning.ts';
import type { Blueprint } from './blueprint.ts';
import { inTurn, type Position } from './counting.ts';
import type { Integers } from './integers.ts';
import type { Block } from './region.ts';
import { steadyBlocks, steadyOf, type Version } from './versions.ts';

/** What the gates of a region are written with. */
export interface Gating {
  readonly code: Code;
  readonly fuel: Local<'i32'>;
  readonly blueprint: Pick<Blueprint, 'region' | 'versions' | 'checkpoints' | 'longest'>;
  /** Goes to a block of the region. */
  readonly goTo: (pc: number) => void;
}

/** A loop in two versions, and what its admission and its gate know of it. */
interface Admitted {
  readonly version: Version;
  readonly gate: Gate;
  readonly wait: Local<'i32'>;
}

/** How a loop begins. */
type Begun = Pick<Beginner, 'version' | 'beginning' | 'bound'>;

/** A block of a steady version that is counted by a register. */
interface Counted {
  readonly gate: Gate & { kind: 'counted' };
  readonly end: Position;
}

/** Writes what is between the versions of a region's loops: where they begin, the admissions of the steady ones and their gates. */
export class Gates {
  readonly #parts: Gating;
  /** By admission. */
  readonly #admitted = new Map<number, Admitted>();
  /** How loops begin, by where they do. */
  readonly #beginnings = new Map<number, Begun>();
  /** By the block that looks. */
  readonly #gates = new Map<number, Gate>();
  /** Blocks of steady versions that nothing is taken off the fuel in. */
  readonly #counted = new Map<number, Counted>();

  constructor(parts: Gating) {
    this.#parts = parts;
    for (const version of parts.blueprint.versions) this.#admit(version);
  }

  /** Whether nothing is taken off the fuel in a block. */
  isCounted(pc: number): boolean {
    return this.#counted.has(pc);
  }

  /** Writes a block that only decides where it goes on; false if it is none. */
  write({ start, end }: Block, integers: Integers): boolean {
    if (end.kind === 'begin') this.#writeBeginning(start, end.first, end.admission, integers);
    else if (end.kind === 'admit') this.#writeAdmission(start, end.gate, end.header, integers);
    else if (end.kind === 'gate') this.#writeGate(start, end.admission, end.steady, integers);
    else return false;
    return true;
  }

  /** Where a steady version that is counted by a register is left, finds out how much fuel that has left. */
  count(from: number, to: number, integers: Integers): void {
    const counted = this.#counted.get(from);
    const { code, fuel, blueprint } = this.#parts;
    if (counted === undefined || this.#counted.has(to) || blueprint.region.blocks.get(to)?.end.kind === 'gate') return;
    const { gate, end } = counted;
    code.set(fuel, fuelAt(gate, end, integers.value(gate.counting.register)));
  }

  #admit(version: Version): void {
    const { code, blueprint } = this.#parts;
    const { counting } = version;
    const gate: Gate =
      counting === undefined
        ? { kind: 'fuel', bound: code.local('i32') }
        : { kind: 'counted', counting, limit: code.local('i64'), left: code.local('i32') };
    this.#admitted.set(version.admission, { version, gate, wait: code.local('i32') });
    this.#gates.set(version.gate, gate);
    if (version.beginning !== undefined) this.#begin(version, version.beginning);
    if (gate.kind === 'fuel') return;
    if (steadyBlocks(version).some((pc) => blueprint.checkpoints.has(pc)))
      throw new Error('only the gate of a counted version may look at the fuel');
    for (let turn = 0; turn < version.turns; turn++) {
      for (const [pc, end] of gate.counting.ends) this.#counted.set(steadyOf(pc, turn), { gate, end: inTurn(gate.counting, end, turn) });
    }
  }

  #begin(version: Version, beginning: Beginning): void {
    const bound = beginning.gate === undefined ? undefined : this.#parts.code.local('i32');
    this.#beginnings.set(beginning.begin, { version, beginning, bound });
    if (beginning.gate !== undefined && bound !== undefined) this.#gates.set(beginning.gate, { kind: 'fuel', bound });
  }

  #writeBeginning(start: number, first: number, admission: number, integers: Integers): void {
    const { code, fuel, blueprint, goTo } = this.#parts;
    const least = blueprint.longest.get(first) as number;
    const [admit, refuse] = [() => goTo(first), () => goTo(admission)];
    // What comes back from a call to the loop, or is dispatched to it, has looked at nothing.
    const looksAtFuel = blueprint.checkpoints.has(start);
    const begun = this.#beginnings.get(start) as Begun;
    code.scratch(() => writeBeginning({ ...begun, code, integers, fuel, looksAtFuel, least, admit, refuse }));
  }

  #writeAdmission(start: number, gate: number, header: number, integers: Integers): void {
    const { code, fuel, blueprint, goTo } = this.#parts;
    const { longest } = blueprint;
    const admitted = this.#admitted.get(start) as Admitted;
    const least = (longest.get(gate) as number) + (longest.get(header) as number);
    const [admit, refuse] = [() => goTo(gate), () => goTo(header)];
    code.scratch(() => writeAdmission({ ...admitted, code, integers, fuel, least, admit, refuse }));
  }

  #writeGate(start: number, admission: number, steady: number, integers: Integers): void {
    const { code, fuel, goTo } = this.#parts;
    const gate = this.#gates.get(start) as Gate;
    if (gate.kind === 'fuel') code.ifRarely(i32.ltS(fuel, gate.bound), () => goTo(admission));
    else {
      code.ifRarely(i64.eq(integers.value(gate.counting.register), gate.limit), () => {
        code.set(fuel, gate.left);
        goTo(admission);
      });
    }
    goTo(steady);
  }
}
