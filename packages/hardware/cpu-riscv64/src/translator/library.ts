import type { CodeName, CodeStore } from '@ashlar/hardware';
import { Program } from './program.ts';
import type { Shape } from './shape.ts';
import { moduleFrom, Shared } from './shared-module.ts';

/** Programs of a process of which anything is kept for others: all of what was translated of each is held. */
const PROGRAMS_MAX = 64;
/** A module holds on to about 30 KB and the host's machine code; the least recently added go first. */
const MODULES_MAX = 512;

/**
 * Translations made in this process, or in ones before. Nothing in a module depends on the space, so a space that runs the same code at the same
 * addresses takes it from here: a shell that starts the same program a thousand times has it translated once.
 */
export class Library {
  readonly #all = new Set<Shared>();
  readonly #byEntry = new Map<number, Shared[]>();
  readonly #programs = new WeakMap<CodeStore, Map<CodeName, Program>>();

  /** The program of that name, with what the store has of it; undefined if nothing is kept of it. */
  program(store: CodeStore, name: CodeName): Program | undefined {
    if (!store.keeps) return undefined;
    let programs = this.#programs.get(store);
    if (programs === undefined) {
      programs = new Map();
      this.#programs.set(store, programs);
    }
    let program = programs.get(name);
    if (program === undefined && programs.size < PROGRAMS_MAX) {
      program = new Program(store, name);
      programs.set(name, program);
      for (const shared of program.modules) this.#add(shared);
    }
    return program;
  }

  /**
   * A module that was compiled, of a program, which is undefined if nobody keeps it; undefined if the host has no room for another module. `isWhole`: whether it
   * is of all that there was.
   */
  add(bytes: Uint8Array<ArrayBuffer>, shapes: readonly Shape[], program: Program | undefined, isWhole: boolean): Shared | undefined {
    const module = moduleFrom(bytes);
    if (module === undefined) return undefined;
    const shared = new Shared(shapes, module, program && bytes);
    program?.add(shared, isWhole);
    this.#add(shared);
    return shared;
  }

  /** Modules that have an entry at `pc`, the newest first. */
  *at(pc: number): Generator<Shared> {
    const list = this.#byEntry.get(pc);
    if (list !== undefined) for (let i = list.length - 1; i >= 0; i--) yield list[i] as Shared;
  }

  #add(shared: Shared): void {
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

const entriesOf = ({ shapes }: Shared): Set<number> => new Set(shapes.flatMap(({ entries }) => entries));
