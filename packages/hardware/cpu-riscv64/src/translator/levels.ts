import type { Code, Label, Local } from '../wasm/code.ts';
import { i32 } from '../wasm/expression.ts';
import type { Flow, Item } from './flow.ts';

/** What the structure of a region's function is written with. */
export interface Structuring {
  readonly code: Code;
  readonly flow: Flow;
  /** Which block further inside is selected, where a loop is entered for one; 0: none. */
  readonly way: Local<'i32'>;
  readonly writeBlock: (pc: number) => void;
  /** Writes ways from where the region is entered. `labels`: of the outermost items; `indexOf`: the item that a block is in. */
  readonly writeEntries: (labels: readonly Label[], indexOf: ReadonlyMap<number, number>) => void;
}

/** A sequence of items being written. */
interface Level {
  /** Of a loop; undefined: the outermost. */
  readonly header: number | undefined;
  readonly again: Label | undefined;
  /** Where each item begins. */
  readonly labels: readonly Label[];
  readonly items: readonly Item[];
  readonly indexOf: ReadonlyMap<number, number>;
}

/** Writes blocks and loops as nested blocks and loops of wasm. */
export class Levels {
  readonly #parts: Structuring;
  /** Innermost last. */
  readonly #levels: Level[] = [];

  constructor(parts: Structuring) {
    this.#parts = parts;
  }

  /** Writes all. */
  write(): void {
    this.#level(undefined, this.#parts.flow.items, () => undefined);
  }

  /** To a block of the region, from wherever the writing is. */
  branchTo(pc: number): void {
    const { code, way, flow } = this.#parts;
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      const level = this.#levels[i] as Level;
      if (level.header === pc) {
        code.br(level.again as Label);
        return;
      }
      const index = level.indexOf.get(pc);
      if (index === undefined) continue;
      if (level.items[index]?.block !== pc) code.set(way, i32.const(flow.selected.get(pc) as number));
      code.br(level.labels[index] as Label);
      return;
    }
    throw new Error(`no block at 0x${pc.toString(16)}`);
  }

  /** A loop (with its header) or the whole: a block of wasm ends where each item begins, so that any branch forward is a branch out. */
  #level(header: number | undefined, items: readonly Item[], writeHeader: () => void): void {
    const { code, writeBlock } = this.#parts;
    const again = header === undefined ? undefined : code.openLoop();
    const labels: Label[] = Array.from({ length: items.length });
    for (let i = items.length - 1; i >= 0; i--) labels[i] = code.open();
    const indexOf = new Map<number, number>();
    for (const [i, { members }] of items.entries()) for (const pc of members) indexOf.set(pc, i);
    this.#levels.push({ header, again, labels, items, indexOf });
    if (header === undefined) this.#parts.writeEntries(labels, indexOf);
    else this.#writeDispatch(labels, indexOf);
    writeHeader();
    for (const { block, body } of items) {
      code.close();
      if (body === undefined) writeBlock(block);
      else this.#level(block, body, () => writeBlock(block));
    }
    this.#levels.pop();
    if (header !== undefined) code.close();
  }

  /** On the way to a block further inside a loop: to the item that it is in. */
  #writeDispatch(labels: readonly Label[], indexOf: ReadonlyMap<number, number>): void {
    const { code, way, flow } = this.#parts;
    const { selected } = flow;
    if (![...selected.keys()].some((pc) => indexOf.has(pc))) return;
    code.block((own) => {
      code.brIf(own, i32.eqz(way));
      const targets: Label[] = [own];
      for (const [pc, number] of selected) targets[number] = labels[indexOf.get(pc) ?? -1] ?? own;
      code.brTable(targets, own, way);
    });
  }
}
