import { regionModule } from './emit.ts';
import { compileFusing, hostFuses } from './fusing.ts';
import type { CheckCounts } from './guards.ts';
import { leadsTo, type Region, switches, type Way, waysInto } from './region.ts';

/** Consecutive code of a region: its halfwords from an address on. */
export interface Span {
  readonly start: number;
  readonly halves: Uint16Array;
}

/** What must be the same in a space for a region's translation to be right there, and what is needed to put it in place. */
export interface Shape {
  readonly entries: readonly number[];
  /** See {@link Region.hot}. */
  readonly hot: ReadonlySet<number> | undefined;
  readonly spans: readonly Span[];
  readonly pages: readonly number[];
  readonly instructions: number;
  /** How often it was made anew. */
  readonly generation: number;
  /** Regions of the same module that it calls or goes to directly, by number: it is right only as long as they are. */
  readonly callees: readonly number[];
  /** Whether it jumps to addresses known only at run time, as a switch or an interpreter does. */
  readonly switches: boolean;
}

/** A compiled module and the regions in it, in the order of its functions in the table. */
export interface Shared {
  readonly module: WebAssembly.Module;
  readonly shapes: readonly Shape[];
}

/** A module holds on to about 30 KB and the host's machine code; the least recently added go first. */
const MODULES_MAX = 512;

/**
 * Translations made in this process. Nothing in a module depends on the space, so a space that runs the same code at the same addresses takes it
 * from here: a shell that starts the same program a thousand times has it translated once.
 */
export class Library {
  readonly #all = new Set<Shared>();
  readonly #byEntry = new Map<number, Shared[]>();

  /** Translates regions together; undefined if the host has no room for another module. */
  add(regions: readonly Region[], generations: readonly number[], checks: CheckCounts): Shared | undefined {
    const module = compile(regionModule(regions, hostFuses(), checks));
    if (module === undefined) return undefined;
    const ways = waysInto(regions);
    const shapes = regions.map((region, i) => shapeOf(region, generations[i] ?? 0, ways));
    const shared = { module, shapes };
    if (this.#all.size >= MODULES_MAX) {
      for (const oldest of this.#all) {
        this.#remove(oldest);
        break;
      }
    }
    this.#all.add(shared);
    for (const entry of entriesOf(shared)) {
      const list = this.#byEntry.get(entry);
      if (list === undefined) this.#byEntry.set(entry, [shared]);
      else list.push(shared);
    }
    return shared;
  }

  /** Modules that have an entry at `pc`, the newest first. */
  *at(pc: number): Generator<Shared> {
    const list = this.#byEntry.get(pc);
    if (list !== undefined) for (let i = list.length - 1; i >= 0; i--) yield list[i] as Shared;
  }

  #remove(shared: Shared): void {
    this.#all.delete(shared);
    for (const entry of entriesOf(shared)) {
      const rest = (this.#byEntry.get(entry) ?? []).filter((other) => other !== shared);
      if (rest.length === 0) this.#byEntry.delete(entry);
      else this.#byEntry.set(entry, rest);
    }
  }
}

/** The host may be out of address space or mappings; bytes that are not valid are a mistake of ours and are thrown. */
function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
  try {
    return compileFusing(bytes);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw error;
    return undefined;
  }
}

const entriesOf = ({ shapes }: Shared): Set<number> => new Set(shapes.flatMap(({ entries }) => entries));

function shapeOf(region: Region, generation: number, ways: ReadonlyMap<number, Way>): Shape {
  const { blocks, entries, pages, hot } = region;
  const halves = new Map<number, number>();
  let instructions = 0;
  for (const { ops } of blocks.values()) {
    instructions += ops.length;
    for (const { pc, raw, length } of ops) {
      halves.set(pc, raw & 0xffff);
      if (length === 4) halves.set(pc + 2, raw >>> 16);
    }
  }
  const spans: Span[] = [];
  let run: number[] = [];
  let start = 0;
  for (const pc of [...halves.keys()].sort((a, b) => a - b)) {
    if (run.length > 0 && pc !== start + run.length * 2) {
      spans.push({ start, halves: Uint16Array.from(run) });
      run = [];
    }
    if (run.length === 0) start = pc;
    run.push(halves.get(pc) as number);
  }
  if (run.length > 0) spans.push({ start, halves: Uint16Array.from(run) });
  const callees = new Set([...leadsTo(region)].flatMap((pc) => ways.get(pc)?.region ?? []));
  return { entries, hot, spans, pages, instructions, generation, callees: [...callees], switches: switches(region) };
}
