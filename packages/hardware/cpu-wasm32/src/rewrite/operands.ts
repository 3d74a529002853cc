import { isReference, typeName, ValueType } from '../binary/opcodes.ts';
import { ModuleError } from '../binary/reader.ts';
import type { Writer } from '../binary/writer.ts';
import { SAVED_INDEX, SAVED_TYPES } from './target.ts';

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const REFERENCE = SAVED_TYPES.length;

/**
 * The operand stack as the validation algorithm sees it, and the locals ("slots") in which operands rest while execution may be left.
 *
 * An operand's slot is fixed by its type and by how many operands of that type lie beneath it, so operands of enclosing blocks keep theirs.
 * Operands beneath {@link base} rest in their slots; those above are on the engine's stack.
 */
export class Operands {
  private readonly types: number[] = [];
  private readonly ranks: number[] = [];
  private readonly starts: number[] = [];
  private readonly counts = [0, 0, 0, 0, 0, 0];
  private readonly slots: number[][] = SAVED_TYPES.map(() => []);
  private readonly saved = [0, 0, 0, 0, 0];
  private nextLocal = 0;
  base = 0;
  /** Types of the slots made so far, in the order of their locals. */
  readonly made: number[] = [];
  where = '';

  /** `firstLocal`: the first local index that is free. */
  reset(firstLocal: number, where: string): void {
    this.types.length = 0;
    this.ranks.length = 0;
    this.starts.length = 0;
    this.counts.fill(0);
    for (const list of this.slots) list.length = 0;
    this.saved.fill(0);
    this.made.length = 0;
    this.nextLocal = firstLocal;
    this.base = 0;
    this.where = where;
  }

  get height(): number {
    return this.types.length;
  }

  /** `start`: byte offset of the first instruction that the operand came from, -1 if that is of no use. */
  push(type: number, start = -1): void {
    this.types.push(type);
    this.starts.push(start);
    const kind = SAVED_INDEX[type] ?? REFERENCE;
    this.ranks.push(this.counts[kind]!++);
  }

  pop(): number {
    const type = this.types.pop();
    if (type === undefined) throw new ModuleError(`${this.where}: an instruction has too few operands`);
    this.ranks.pop();
    this.starts.pop();
    this.counts[SAVED_INDEX[type] ?? REFERENCE]!--;
    return type;
  }

  popMany(count: number): void {
    for (; count > 0; count--) this.pop();
  }

  /** Where the code of the operand at a height begins, or -1. */
  start(height: number): number {
    return this.starts[height] ?? -1;
  }

  pushAll(types: Uint8Array): void {
    for (let i = 0; i < types.length; i++) this.push(types[i]!);
  }

  cutTo(height: number): void {
    while (this.types.length > height) this.pop();
  }

  /** The local of the operand at a height. */
  slot(height: number): number {
    const type = this.types[height]!;
    const kind = SAVED_INDEX[type];
    if (kind === undefined) {
      throw new ModuleError(
        `${this.where} keeps a ${typeName(type)} on the operand stack where it may be interrupted; mode precise cannot save it`,
      );
    }
    const rank = this.ranks[height]!;
    const list = this.slots[kind]!;
    while (list.length <= rank) {
      list.push(this.nextLocal++);
      this.made.push(type);
    }
    return list[rank]!;
  }

  /** Puts operands [from, height) into their slots, from the top down. */
  store(out: Writer, from: number): void {
    for (let at = this.types.length - 1; at >= from; at--) out.op(LOCAL_SET, this.slot(at));
  }

  load(out: Writer, from: number, to: number = this.types.length): void {
    for (let at = from; at < to; at++) out.op(LOCAL_GET, this.slot(at));
  }

  /** Moves everything that is on the engine's stack to its slots. */
  spill(out: Writer): void {
    this.store(out, this.base);
  }

  /** From now on frames save the slots of all operands below `height`. */
  keep(height: number): void {
    for (let at = height - 1; at >= 0; at--) {
      const kind = SAVED_INDEX[this.types[at]!];
      if (kind === undefined) this.slot(at);
      else if (this.saved[kind]! <= this.ranks[at]!) this.saved[kind] = this.ranks[at]! + 1;
      else if (this.settled()) return;
    }
  }

  private settled(): boolean {
    for (let kind = 0; kind < REFERENCE; kind++) if (this.saved[kind]! < this.counts[kind]!) return false;
    return true;
  }

  /** Slots that frames save: local and type. */
  *savedSlots(): Generator<{ readonly local: number; readonly type: number }> {
    for (let kind = 0; kind < SAVED_TYPES.length; kind++) {
      const list = this.slots[kind]!;
      for (let rank = 0; rank < Math.min(this.saved[kind]!, list.length); rank++) yield { local: list[rank]!, type: SAVED_TYPES[kind]! };
    }
  }
}

/** The local variables of a function: parameters, then declared ones. */
export class Locals {
  types = new Uint8Array(64);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  add(count: number, type: number, limit: number, where: string): void {
    if (this.count + count > limit) throw new ModuleError(`${where} has more than ${limit} locals`);
    if (this.count + count > this.types.length) {
      const larger = new Uint8Array((this.count + count) * 2);
      larger.set(this.types.subarray(0, this.count));
      this.types = larger;
    }
    this.types.fill(type, this.count, this.count + count);
    this.count += count;
  }

  type(index: number): number {
    return index < this.count ? this.types[index]! : ValueType.i32;
  }

  /** Frames can save numbers and vectors, not references. */
  requireSaveable(where: string): void {
    for (let i = 0; i < this.count; i++) {
      if (isReference(this.types[i]!))
        throw new ModuleError(
          `${where} has a local of type ${typeName(this.types[i]!)} and may be interrupted; mode precise cannot save it`,
        );
    }
  }
}
