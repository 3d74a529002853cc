import {
  type AddressSpace,
  type Exit,
  FORGETFUL,
  type GuestAddress,
  type MemoryAccount,
  Prot,
  type Result,
  type Riscv64Context,
  type Trap,
  TrapAnswer,
} from '@ashlar/hardware';
import { Riscv64Cpu } from '../cpu.ts';
import { loadCompiler } from '../translator/compiler.ts';
import type { Translation, TranslatorOptions } from '../translator/options.ts';
import { readElf } from './elf.ts';

// Tests run to the end in one turn of the host's loop.
await loadCompiler();

/** An account that counts, for tests. */
export class TestAccount implements MemoryAccount {
  usedPages = 0;
  readonly limitPages: number;

  constructor(limitPages = 1 << 20) {
    this.limitPages = limitPages;
  }

  charge(pages: number): Result {
    if (this.usedPages + pages > this.limitPages) return -12;
    this.usedPages += pages;
    if (this.usedPages < 0) throw new Error('more pages given back than charged');
    return 0;
  }

  sub(): Result {
    return -38;
  }

  close(): void {}
}

export const address = (value: number): GuestAddress => value as GuestAddress;

/** Fails a test where the interface allows a refusal. */
export function made<T extends object>(value: T | number): T {
  if (typeof value === 'number') throw new Error(`refused: ${value}`);
  return value;
}

/** A CPU, a space and a context, and a kernel that knows write and exit. */
export class TestMachine {
  readonly account: TestAccount;
  readonly cpu: Riscv64Cpu;
  readonly space: AddressSpace;
  readonly context: Riscv64Context;
  readonly output: Uint8Array[] = [];
  readonly traps: Trap[] = [];
  status: number | undefined;

  constructor(limitPages?: number, translate?: Translation | TranslatorOptions) {
    this.cpu = new Riscv64Cpu(FORGETFUL, translate);
    this.account = new TestAccount(limitPages);
    this.space = made(this.cpu.space(this.account));
    this.context = made(this.cpu.context(this.space)) as Riscv64Context;
  }

  map(at: number, bytes: number, prot: number = Prot.READ | Prot.WRITE): void {
    const result = this.space.map(address(at), bytes, prot, undefined, 0, 'private');
    if (result < 0) throw new Error(`map 0x${at.toString(16)}: ${result}`);
  }

  write(at: number, bytes: Uint8Array): void {
    const result = this.space.copyOut(address(at), bytes, true);
    if (result !== bytes.length) throw new Error(`write 0x${at.toString(16)}: ${JSON.stringify(result)}`);
  }

  read(at: number, bytes: number): Uint8Array {
    const out = new Uint8Array(bytes);
    const result = this.space.copyIn(address(at), out);
    if (result !== bytes) throw new Error(`read 0x${at.toString(16)}: ${JSON.stringify(result)}`);
    return out;
  }

  /** Maps a static executable and a stack, and points the context at its entry. */
  load(elf: Uint8Array): void {
    const { entry, segments } = readElf(elf);
    for (const { address: at, flags, bytes, memory } of segments) {
      const start = at - (at % 4096);
      const end = Math.ceil((at + memory) / 4096) * 4096;
      this.map(start, end - start, ((flags & 4) >> 2) | (flags & 2) | ((flags & 1) << 2));
      this.write(at, bytes);
    }
    const top = 0x0800_0000;
    this.map(top - 0x10_0000, 0x10_0000);
    this.context.writeNumber(2, top - 64);
    this.context.pc = address(entry);
  }

  /** Runs until the program exits, traps otherwise, or the budget is used. */
  run(budget: number): Exit {
    return this.cpu.run(this.context, this.space, (_context, trap) => this.#onTrap(trap), budget) as Exit;
  }

  text(): string {
    return this.output.map((bytes) => String.fromCharCode(...bytes)).join('');
  }

  destroy(): void {
    this.space.destroy();
    if (this.account.usedPages !== 0) throw new Error(`${this.account.usedPages} pages still charged`);
  }

  #onTrap(trap: Trap): TrapAnswer {
    const { context } = this;
    if (trap.cause !== 'syscall') return this.trapped(trap);
    const number = context.readNumber(17);
    context.pc = address(context.pc + 4);
    if (number === 64) {
      const bytes = this.read(context.readUnsigned(11), context.readNumber(12));
      this.output.push(bytes);
      context.writeNumber(10, bytes.length);
      return TrapAnswer.RESUME;
    }
    return this.call(number);
  }

  /** Anything but a system call. */
  protected trapped(trap: Trap): TrapAnswer {
    this.traps.push({ ...trap });
    return TrapAnswer.LEAVE;
  }

  /** A system call other than write; the pc is behind it. */
  protected call(_number: number): TrapAnswer {
    this.status = this.context.readNumber(10);
    return TrapAnswer.LEAVE;
  }
}
