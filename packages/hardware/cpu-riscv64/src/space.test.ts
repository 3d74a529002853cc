import {
  type AddressSpace,
  type Backing,
  Errno,
  type EventKey,
  Prot,
  type Reply,
  type Riscv64Context,
  TrapAnswer,
  type Wait,
} from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Riscv64Cpu } from './cpu.ts';
import { address, made, TestAccount, TestMachine } from './differential/machine.ts';
import * as Word from './differential/words.ts';
import { Perm } from './layout.ts';
import type { Riscv64Space } from './space.ts';

/** What the conformance suite of address spaces does not look at: waiting backings, sharing in detail, moving, and a model of mappings. */
const CODE = 0x1_0000;
const DATA = 0x2_0000;
const PAGE = 4096;
const RW = Prot.READ | Prot.WRITE;

/** A backing in an array of pages; a missing page waits until it is put there. */
class PagedBacking implements Backing {
  readonly id: string;
  readonly pages = new Map<number, Uint8Array>();
  readonly wait: Wait = { on: [7 as EventKey] };
  readonly stored: number[] = [];
  readonly #stores: boolean;

  constructor(id: string, stores: boolean) {
    this.id = id;
    this.#stores = stores;
  }

  put(page: number, value: number): void {
    this.pages.set(page, new Uint8Array(PAGE).fill(value));
  }

  fetch(page: number, into: Uint8Array): Reply {
    const bytes = this.pages.get(page);
    if (bytes === undefined) return this.wait;
    into.set(bytes);
    return PAGE;
  }

  store(page: number, from: Uint8Array): Reply {
    if (!this.#stores) return -Errno.EROFS;
    this.stored.push(page);
    this.pages.set(page, from.slice());
    return 0;
  }
}

const first = (space: AddressSpace, at: number): number | Reply => {
  const out = new Uint8Array(1);
  const reply = space.copyIn(address(at), out);
  return reply === 1 ? (out[0] as number) : reply;
};
const put = (space: AddressSpace, at: number, value: number): Reply => space.copyOut(address(at), Uint8Array.of(value));

describe('absent pages', () => {
  it('stall the run at the instruction until the backing has them', () => {
    const machine = new TestMachine();
    const backing = new PagedBacking('file', false);
    machine.map(CODE, PAGE, Prot.READ | Prot.EXEC);
    machine.write(CODE, new Uint8Array(Uint32Array.of(Word.addi(12, 0, 1), Word.ld(10, 11, 0)).buffer));
    machine.space.map(address(DATA), PAGE, Prot.READ, backing, 5 * PAGE, 'private');
    machine.context.writeNumber(11, DATA);
    machine.context.pc = address(CODE);
    expect(machine.run(10)).toBe('stalled');
    expect(machine.cpu.stall(machine.context)).toBe(backing.wait);
    expect([machine.context.pc, machine.context.retired, machine.account.usedPages]).toEqual([CODE + 4, 1, 1]);
    expect(machine.space.copyIn(address(DATA), new Uint8Array(8))).toBe(backing.wait);
    backing.put(5, 3);
    expect(machine.run(1)).toBe('budget');
    expect([machine.context.readLow(10), machine.account.usedPages]).toEqual([0x0303_0303, 2]);
  });

  it('fault as past the end where the backing has nothing', () => {
    const machine = new TestMachine();
    machine.map(CODE, PAGE, Prot.READ | Prot.EXEC);
    machine.write(CODE, new Uint8Array(Uint32Array.of(Word.ld(10, 11, 0)).buffer));
    const past: Backing = { id: 'short', fetch: () => -Errno.ENXIO };
    machine.space.map(address(DATA), PAGE, Prot.READ, past, 0, 'private');
    machine.context.writeNumber(11, DATA + 8);
    machine.context.pc = address(CODE);
    expect(machine.run(10)).toBe('left');
    expect(machine.traps[0]).toMatchObject({ reason: 'past-end', address: DATA + 8 });
  });
});

describe('shared mappings', () => {
  const cpu = new Riscv64Cpu();

  it('move with the touch, and are charged once', () => {
    const account = new TestAccount();
    const backing = new PagedBacking('object', false);
    backing.put(0, 1);
    const [a, b] = [0, 1].map(() => made(cpu.space(account))) as [AddressSpace, AddressSpace];
    for (const space of [a, b]) space.map(address(DATA), PAGE, RW, backing, 0, 'shared');
    for (let i = 2; i < 20; i++) {
      const [writer, reader] = i % 2 === 0 ? [a, b] : [b, a];
      expect(put(writer, DATA, i)).toBe(1);
      expect(first(reader, DATA)).toBe(i);
      expect(account.usedPages).toBe(1);
    }
    expect(a.wordKey(address(DATA + 8))).toBe(b.wordKey(address(DATA + 8)));
    a.destroy();
    expect(first(b, DATA)).toBe(19);
    b.destroy();
    expect(account.usedPages).toBe(0);
  });

  it('keep what was written while anyone maps them, and no longer', () => {
    const account = new TestAccount();
    const parent = made(cpu.space(account));
    parent.map(address(DATA), 2 * PAGE, RW, undefined, 0, 'shared');
    put(parent, DATA, 5);
    const child = made(parent.fork());
    put(child, DATA + PAGE, 6);
    child.destroy();
    expect([first(parent, DATA), first(parent, DATA + PAGE)]).toEqual([5, 6]);
    parent.unmap(address(DATA), 2 * PAGE);
    expect(account.usedPages).toBe(0);
    parent.map(address(DATA), PAGE, RW, undefined, 0, 'shared');
    expect(first(parent, DATA)).toBe(0);
  });

  it('are what private mappings made later begin with', () => {
    const account = new TestAccount();
    const backing = new PagedBacking('file', false);
    for (const page of [0, 1, 2]) backing.put(page, 9);
    const [a, b] = [0, 1].map(() => made(cpu.space(account))) as [AddressSpace, AddressSpace];
    for (const space of [a, b]) space.map(address(DATA), 3 * PAGE, RW, backing, 0, 'shared');
    put(a, DATA, 1);
    put(b, DATA + PAGE, 2);
    b.destroy();
    a.map(address(CODE), 3 * PAGE, RW, backing, 0, 'private');
    expect([0, 1, 2].map((page) => first(a, CODE + page * PAGE))).toEqual([1, 2, 9]);
    put(a, CODE, 3);
    put(a, DATA + PAGE, 4);
    expect([first(a, DATA), first(a, CODE + PAGE)]).toEqual([1, 2]);
    a.destroy();
    expect(account.usedPages).toBe(0);
  });

  it('are stored back when they are dirty', () => {
    const account = new TestAccount();
    const backing = new PagedBacking('file', true);
    for (const page of [0, 1]) backing.put(page, 9);
    const space = made(cpu.space(account));
    space.map(address(DATA), 2 * PAGE, RW, backing, 0, 'shared');
    expect([first(space, DATA), first(space, DATA + PAGE)]).toEqual([9, 9]);
    put(space, DATA + PAGE, 1);
    space.unmap(address(DATA), 2 * PAGE);
    expect([backing.stored, backing.pages.get(1)?.[0], account.usedPages]).toEqual([[1], 1, 0]);
  });

  it.each([
    ['sh', Word.store(1, 12, 10, 0), 2],
    ['sw', Word.sw(12, 10, 0), 4],
    ['sd', Word.sd(12, 10, 0), 8],
    ['fsd', Word.fsd(12, 10, 0), 8],
    ['c.sd', 0xe110, 8],
    ['c.fsd', 0xa110, 8],
    ['c.sdsp', 0xe032, 8],
    ['c.fsdsp', 0xa032, 8],
  ])('take %s across the places of one page behind each other', (_name, word, bytes) => {
    const machine = new TestMachine();
    machine.map(CODE, PAGE, Prot.READ | Prot.EXEC);
    const object: Backing = { id: 'ring', fetch: () => 0 };
    for (let i = 0; i < 2; i++) machine.space.map(address(DATA + i * PAGE), PAGE, RW, object, 0, 'shared');
    const isLong = (word & 3) === 3;
    const code = new Uint8Array(Uint32Array.of(isLong ? word : word | (1 << 16), Word.addi(13, 13, 1)).buffer);
    machine.write(CODE, code);
    const value = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const { context } = machine;
    const registers = new Uint8Array(260);
    registers.set(value, 12 * 8);
    context.copyFloatFrom(registers);
    context.writeHalves(12, 0x0403_0201, 0x0807_0605);
    for (let before = 1; before < bytes; before++) {
      machine.write(DATA, new Uint8Array(PAGE));
      for (const base of [2, 10]) context.writeNumber(base, DATA + PAGE - before);
      const { retired } = context;
      context.pc = address(CODE);
      expect(machine.run(isLong ? 2 : 3)).toBe('budget');
      expect([context.pc, context.retired - retired]).toEqual([CODE + 8, isLong ? 2 : 3]);
      expect(machine.read(DATA + PAGE - before, bytes)).toEqual(value.slice(0, bytes));
      expect(machine.read(DATA, bytes - before)).toEqual(value.slice(before, bytes));
      expect(machine.read(DATA + 2 * PAGE - before, before)).toEqual(value.slice(0, before));
    }
    machine.destroy();
  });

  it('are seen by running programs, code included', () => {
    const account = new TestAccount();
    const [a, b] = [0, 1].map(() => made(cpu.space(account))) as [AddressSpace, AddressSpace];
    const backing = new PagedBacking('code', false);
    backing.put(0, 0);
    for (const space of [a, b]) space.map(address(CODE), PAGE, RW | Prot.EXEC, backing, 0, 'shared');
    const write = (space: AddressSpace, value: number): void => {
      space.copyOut(address(CODE), new Uint8Array(Uint32Array.of(Word.addi(10, 0, value), Word.jal(0, -4)).buffer));
    };
    const run = (space: AddressSpace, context: Riscv64Context): number => {
      context.pc = address(CODE);
      expect(cpu.run(context, space, () => TrapAnswer.LEAVE, 4)).toBe('budget');
      return context.readNumber(10);
    };
    const [inA, inB] = [a, b].map((space) => made(cpu.context(space)) as Riscv64Context) as [Riscv64Context, Riscv64Context];
    write(a, 1);
    expect([run(a, inA), run(b, inB)]).toEqual([1, 1]);
    write(b, 2);
    expect([run(a, inA), run(b, inB)]).toEqual([2, 2]);
  });
});

describe('fork', () => {
  it('copies what is resident, and charges it', () => {
    const machine = new TestMachine();
    machine.map(DATA, 100 * PAGE);
    for (const page of [0, 1, 2, 50, 99]) put(machine.space, DATA + page * PAGE, page + 1);
    const child = made(machine.space.fork());
    put(machine.space, DATA, 77);
    put(child, DATA + PAGE, 88);
    expect([0, 1, 2, 3, 50, 99].map((page) => first(child, DATA + page * PAGE))).toEqual([1, 88, 3, 0, 51, 100]);
    expect([first(machine.space, DATA), first(machine.space, DATA + PAGE)]).toEqual([77, 2]);
    expect([child.residentPages, machine.account.usedPages]).toEqual([6, 11]);
    child.destroy();
    machine.destroy();
  });

  it('is refused when the account cannot hold the copy, and leaves nothing behind', () => {
    const machine = new TestMachine(7);
    machine.map(DATA, 10 * PAGE);
    for (let page = 0; page < 4; page++) put(machine.space, DATA + page * PAGE, 1);
    expect(machine.space.fork()).toBe(-Errno.ENOMEM);
    expect(machine.account.usedPages).toBe(4);
  });
});

describe('move and discard', () => {
  it('move takes pages along, absent ones with their backing', () => {
    const machine = new TestMachine();
    const backing = new PagedBacking('file', false);
    for (let page = 0; page < 4; page++) backing.put(page, page + 1);
    machine.space.map(address(DATA), 4 * PAGE, RW, backing, 0, 'private');
    put(machine.space, DATA + PAGE, 99);
    const to = 0x10_0000;
    expect(machine.space.move(address(DATA + PAGE), address(to), 3 * PAGE)).toBe(0);
    expect([0, 1, 2].map((page) => first(machine.space, to + page * PAGE))).toEqual([99, 3, 4]);
    expect([first(machine.space, DATA), first(machine.space, DATA + PAGE)]).toEqual([1, -Errno.EFAULT]);
    expect(machine.space.move(address(to), address(to), PAGE)).toBe(-Errno.EINVAL);
  });

  it('discarded pages read as their backing again, and cost nothing', () => {
    const machine = new TestMachine();
    machine.map(DATA, 4 * PAGE);
    for (let page = 0; page < 4; page++) put(machine.space, DATA + page * PAGE, 1);
    expect(machine.space.discard(address(DATA + PAGE), 2 * PAGE)).toBe(0);
    expect(machine.account.usedPages).toBe(2);
    expect([0, 1, 2, 3].map((page) => first(machine.space, DATA + page * PAGE))).toEqual([1, 0, 0, 1]);
  });
});

describe('large reservations', () => {
  it('cost neither pages nor time', () => {
    const machine = new TestMachine();
    const { space } = machine;
    expect(space.map(address(DATA), 3 * 2 ** 30, Prot.NONE, undefined, 0, 'private')).toBe(0);
    expect(space.protect(address(DATA + 2 ** 30), 2 ** 20, RW)).toBe(0);
    expect(put(space, DATA + 2 ** 30, 1)).toBe(1);
    expect(space.residentPages).toBe(1);
    expect(space.unmap(address(DATA), 3 * 2 ** 30)).toBe(0);
    expect([space.residentPages, space.mappings()]).toEqual([0, []]);
    machine.destroy();
  });
});

describe('dirty pages', () => {
  it('are those written since they were last taken, by the guest or the kernel', () => {
    const machine = new TestMachine();
    machine.map(CODE, PAGE, Prot.READ | Prot.EXEC);
    machine.map(DATA, 4 * PAGE);
    machine.write(CODE, new Uint8Array(Uint32Array.of(Word.sd(10, 11, 0), Word.ld(10, 11, 8)).buffer));
    first(machine.space, DATA + 3 * PAGE);
    const take = (): number[] => {
      const pages: number[] = [];
      machine.space.takeDirty((page) => pages.push(page));
      return pages;
    };
    expect(take()).toEqual([CODE / PAGE]);
    machine.context.writeNumber(11, DATA + PAGE);
    machine.context.pc = address(CODE);
    machine.run(2);
    expect(take()).toEqual([DATA / PAGE + 1]);
    machine.context.pc = address(CODE);
    machine.run(2);
    put(machine.space, DATA, 1);
    expect(take()).toEqual([DATA / PAGE, DATA / PAGE + 1]);
    expect(take()).toEqual([]);
  });
});

describe('mappings', () => {
  type Op = { readonly kind: 'map' | 'unmap' | 'protect'; readonly at: number; readonly pages: number; readonly prot: number };
  const op: fc.Arbitrary<Op> = fc.record({
    kind: fc.constantFrom('map', 'unmap', 'protect'),
    at: fc.nat(30),
    pages: fc.integer({ min: 1, max: 10 }),
    prot: fc.constantFrom(0, 1, 3, 5),
  });

  const ACCESSES = { read: first, write: (space: AddressSpace, at: number) => put(space, at, 1) } as const;
  type Step = Op | { readonly kind: 'read' | 'write' | 'dirty'; readonly at: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    op.map((one) => ({ ...one, prot: one.prot === 5 ? Prot.WRITE : one.prot })),
    fc.record({ kind: fc.constantFrom('read', 'write', 'dirty'), at: fc.nat(40) }),
  );

  it('never let a page be written without being asked and not be read', () => {
    let written = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const machine = new TestMachine();
        const { residency } = machine.space as Riscv64Space;
        machine.map(DATA, 41 * PAGE);
        for (const one of steps) {
          const start = address(DATA + one.at * PAGE);
          if (one.kind === 'map') machine.space.map(start, one.pages * PAGE, one.prot, undefined, 0, 'private');
          else if (one.kind === 'unmap') machine.space.unmap(start, one.pages * PAGE);
          else if (one.kind === 'protect') machine.space.protect(start, one.pages * PAGE, one.prot);
          else if (one.kind === 'dirty') machine.space.takeDirty(() => undefined);
          else ACCESSES[one.kind](machine.space, start);
          for (let page = 0; page <= 40; page++) {
            const rights = residency.flags(DATA / PAGE + page) & (Perm.READ | Perm.WRITE);
            expect(rights).not.toBe(Perm.WRITE);
            if (rights !== 0 && rights !== Perm.READ) written++;
          }
        }
        machine.destroy();
      }),
      { numRuns: 200, seed: 1 },
    );
    expect(written).toBeGreaterThan(100);
  });

  it('are what a page table would say', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
        const machine = new TestMachine();
        const model = new Map<number, number>();
        for (const { kind, at, pages, prot } of ops) {
          const start = address(DATA + at * PAGE);
          const range = Array.from({ length: pages }, (_, i) => at + i);
          if (kind === 'map') {
            machine.space.map(start, pages * PAGE, prot, undefined, 0, 'private');
            for (const page of range) model.set(page, prot);
          } else if (kind === 'unmap') {
            machine.space.unmap(start, pages * PAGE);
            for (const page of range) model.delete(page);
          } else {
            const whole = range.every((page) => model.has(page));
            expect(machine.space.protect(start, pages * PAGE, prot)).toBe(whole ? 0 : -Errno.ENOMEM);
            if (whole) for (const page of range) model.set(page, prot);
          }
        }
        const listed = machine.space
          .mappings()
          .flatMap((m) => Array.from({ length: m.bytes / PAGE }, (_, i) => [(m.start - DATA) / PAGE + i, m.prot]));
        expect(listed).toEqual([...model].sort(([a], [b]) => a - b));
        for (let page = 0; page < 40; page++) {
          const prot = model.get(page) ?? 0;
          expect([first(machine.space, DATA + page * PAGE) === 0, put(machine.space, DATA + page * PAGE, 0) === 1]).toEqual([
            (prot & 3) !== 0,
            (prot & 2) !== 0,
          ]);
        }
        machine.destroy();
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

describe('spaces one after another', () => {
  it('10,000 of them leave no page charged and see nothing of each other', () => {
    const account = new TestAccount();
    const cpu = new Riscv64Cpu();
    for (let i = 0; i < 10_000; i++) {
      const space = made(cpu.space(account));
      space.map(address(DATA), 4 * PAGE, RW, undefined, 0, 'private');
      if (first(space, DATA + (i % 4) * PAGE) !== 0) throw new Error(`space ${i} sees another's bytes`);
      put(space, DATA + ((i + 1) % 4) * PAGE, 1);
      space.destroy();
    }
    expect(account.usedPages).toBe(0);
  });
});
