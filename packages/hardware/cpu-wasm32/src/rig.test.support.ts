import {
  type AddressSpace,
  Errno,
  type MemoryAccount,
  type PartReader,
  type PartWriter,
  type Plain,
  type Result,
  type TrapHandler,
  type Wasm32Context,
} from '@ashlar/hardware';
import wabtInit from 'wabt';
import { Wasm32Cpu } from './cpu.ts';

/** An account without parents, for tests. */
export class TestAccount implements MemoryAccount {
  usedPages = 0;
  readonly limitPages: number;

  constructor(limitPages = 1 << 20) {
    this.limitPages = limitPages;
  }

  charge(pages: number): Result {
    if (this.usedPages + pages > this.limitPages) return -Errno.ENOMEM;
    this.usedPages += pages;
    return 0;
  }

  sub(): Result {
    return -Errno.ENOMEM;
  }

  close(): void {}
}

/** A part in memory. */
export class TestPart implements PartWriter, PartReader {
  private readonly values = new Map<string, Plain>();
  private readonly kept = new Map<string, Map<number, Uint8Array>>();

  put(key: string, value: Plain): void {
    this.values.set(key, structuredClone(value));
  }

  /** A copy in which one value was tampered with. */
  changed(key: string, change: (value: Uint8Array) => void): TestPart {
    const copy = new TestPart();
    for (const [each, value] of this.values) copy.put(each, value);
    change(copy.values.get(key) as Uint8Array);
    return copy;
  }

  page(key: string, page: number, bytes: Uint8Array): void {
    const pages = this.kept.get(key) ?? this.kept.set(key, new Map()).get(key)!;
    const there = pages.get(page);
    if (there) bytes.set(there);
    else pages.set(page, bytes.slice());
  }

  part(): TestPart {
    throw new Error('no parts within');
  }

  keys(): readonly string[] {
    return [...this.values.keys()];
  }

  pageKeys(): readonly string[] {
    return [...this.kept.keys()];
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  get(key: string): Plain {
    return this.values.get(key)!;
  }

  pages(key: string): readonly number[] {
    return [...(this.kept.get(key)?.keys() ?? [])];
  }

  parts(): readonly string[] {
    return [];
  }
}

const wabt = await wabtInit();

export function assemble(text: string): Uint8Array {
  const module = wabt.parseWat('test.wat', text, {
    tail_call: true,
    multi_value: true,
    reference_types: true,
    bulk_memory: true,
    simd: true,
  });
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** A context and its space in a CPU of their own. */
export class Rig {
  readonly account: TestAccount;
  readonly cpu: Wasm32Cpu;
  readonly space: AddressSpace;
  readonly context: Wasm32Context;

  constructor(code: Uint8Array | undefined, cpu = new Wasm32Cpu(), account = new TestAccount()) {
    this.cpu = cpu;
    this.account = account;
    const space = cpu.space(account);
    if (typeof space === 'number') throw new Error(`space: ${space}`);
    this.space = space;
    const context = cpu.context(space, code);
    if (typeof context === 'number') throw new Error(`context: ${context}: ${cpu.lastRefusal}`);
    this.context = context as Wasm32Context;
  }

  run(handler: TrapHandler, budget = 1e9): string {
    return this.cpu.run(this.context, this.space, handler, budget) as string;
  }

  /** Another rig with the same state, through its saved form. */
  moved(): Rig {
    const [space, context] = [new TestPart(), new TestPart()];
    const results = [this.space.save(space), this.context.save(context)];
    const other = new Rig(undefined, this.cpu, new TestAccount());
    results.push(
      other.space.restore(space, () => undefined),
      other.context.restore(context),
    );
    if (results.some((result) => result !== 0)) throw new Error(`save or restore: ${results}`);
    return other;
  }
}
