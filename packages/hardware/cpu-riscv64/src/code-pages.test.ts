import { FORGETFUL, Prot } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { CodePages } from './code-pages.ts';
import { address, TestMachine } from './differential/machine.ts';
import * as Word from './differential/words.ts';
import { Engine } from './engine.ts';
import {
  BASE,
  CODE_INDEX,
  CODE_SLOT_BYTES,
  CODE_SLOT_COUNT,
  CODE_SLOTS,
  ENTRY_BYTES,
  Entry,
  HANDLE_BYTES,
  HANDLE_COUNT,
  HANDLES,
} from './layout.ts';

const PAGE = 4096;
/** Pages that have a slot at a time: slot 0 is never used. */
const SLOTS = CODE_SLOT_COUNT - 1;

describe('a space with more pages of code than slots', () => {
  const [A0, A1, A2, A3] = [10, 11, 12, 13] as const;
  const PAGES = CODE_SLOT_COUNT + 140;
  const CODE = 0x10_0000;
  const pageAt = (number: number): number => CODE + number * PAGE;
  const bytes = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);

  /**
   * a2 times from the last page to the first: on each, a1 += 1, and then an instruction half of which is on the page behind, a0 += 1; what comes next there
   * leads to the page before. In front of the pages is the loop's end.
   */
  function descending(machine: TestMachine): void {
    machine.map(CODE, (PAGES + 1) * PAGE, Prot.READ | Prot.EXEC);
    machine.write(CODE, bytes(Word.addi(A2, A2, -1), Word.beqz(A2, 8), Word.jalr(0, A3, 0), Word.ECALL));
    for (let page = 1; page < PAGES; page++) {
      machine.write(pageAt(page) + 16, bytes(Word.addi(A1, A1, 1), Word.jal(0, PAGE - 2 - 20)));
      const next = page === 1 ? 0 : 16;
      machine.write(pageAt(page) + PAGE - 2, bytes(Word.addi(A0, A0, 1), Word.jal(0, -2 * PAGE + next - 2)));
    }
    machine.context.pc = address(pageAt(PAGES - 1) + 16);
    machine.context.writeNumber(A3, pageAt(PAGES - 1) + 16);
  }

  it.each([
    ['interpreted', 'off'],
    ['translated', { period: 2, samples: 2, batch: 64, eager: false, patience: 0, joinLeast: 1000, joinPatience: 1 }],
  ] as const)('executes them as if there were no end of slots, %s', (_what, translate) => {
    const machine = new TestMachine(undefined, translate);
    descending(machine);
    const { context } = machine;
    // What each page adds to a0.
    const steps = Array.from({ length: PAGES }, (_, page) => Math.min(page, 1));
    let [a0, a1] = [0, 0];
    const passed = (times: number): void => {
      a0 += times * steps.reduce((sum, step) => sum + step);
      a1 += times * (PAGES - 1);
      expect([context.readNumber(A0), context.readNumber(A1)]).toEqual([a0, a1]);
    };
    for (const rounds of [5, 9, 2]) {
      context.writeNumber(A2, rounds);
      context.pc = address(pageAt(PAGES - 1) + 16);
      expect(machine.run(1_000_000)).toBe('left');
      passed(rounds);
      // The page behind the last that has a slot has lost its own, and the half of an instruction there changes, as on every second.
      for (let page = SLOTS % 2; page < PAGES; page += 2) {
        if (page < 2) continue;
        const step = (steps[page - 1] as number) + 1;
        steps[page - 1] = step;
        machine.write(pageAt(page), bytes(Word.addi(A0, A0, step)).subarray(2));
      }
      // Those that have a slot come first.
      for (let page = 1; page < PAGES; page++) {
        context.pc = address(pageAt(page) + 16);
        expect(machine.run(3)).toBe('budget');
      }
      passed(1);
    }
  });
});

describe('entries with a handle', () => {
  /** Pages that may be executed, each with an instruction at its begin and whatever handles `marked` gives when it gets a slot. */
  function pages(marked: (page: number) => readonly [pc: number, handle: number][]) {
    const engine = Engine.take(FORGETFUL);
    const code = new CodePages(engine);
    code.onSlot = (page) => {
      for (const [pc, handle] of marked(page)) code.setHandle(pc, handle);
    };
    const entryOf = (pc: number): number => {
      const slot = engine.u16[(CODE_INDEX >> 1) + Math.floor(pc / PAGE)] as number;
      return CODE_SLOTS + slot * CODE_SLOT_BYTES + (pc % PAGE) * (ENTRY_BYTES / 2);
    };
    const wordOf = (pc: number): number => engine.i32[entryOf(pc) >> 2] as number;
    const handleOf = (pc: number): number => {
      const word = wordOf(pc);
      return word < 0 ? (engine.i32[(HANDLES + (word & ~Entry.TRANSLATED) * HANDLE_BYTES) >> 2] as number) : 0;
    };
    const decode = (pc: number): boolean => {
      engine.u32[(BASE + pc) >> 2] = Word.ECALL;
      return engine.predecode(pc, entryOf(pc)) !== 0;
    };
    return { code, decode, wordOf, handleOf };
  }

  const [FIRST, SECOND] = [16, 17] as const;

  it('are decoded before or after they get it, and are what they were when they lose it', () => {
    const { code, decode, wordOf, handleOf } = pages(() => []);
    code.slot(FIRST);
    const [before, after] = [FIRST * PAGE, FIRST * PAGE + 8];
    decode(before);
    const word = wordOf(before);
    code.setHandle(before, 0x1_0001);
    code.setHandle(after, 0x1_0002);
    expect([code.isDecoded(before), code.isDecoded(after)]).toEqual([true, false]);
    decode(after);
    expect(code.isDecoded(after)).toBe(true);
    expect([handleOf(before), handleOf(after)]).toEqual([0x1_0001, 0x1_0002]);
    code.setHandle(before, 0x1_0003);
    expect(handleOf(before)).toBe(0x1_0003);
    for (const pc of [before, after]) code.setHandle(pc, 0);
    expect([wordOf(before), wordOf(after)]).toEqual([word, word]);
  });

  it('keep it when their page has lost its slot and gets another', () => {
    const { code, decode, handleOf } = pages((page) => [[page * PAGE, page]]);
    for (let page = FIRST; page <= FIRST + SLOTS; page++) {
      code.slot(page);
      decode(page * PAGE);
    }
    expect([FIRST, SECOND].map((page) => code.isDecoded(page * PAGE))).toEqual([false, true]);
    code.slot(FIRST);
    expect([FIRST, SECOND].map((page) => code.isDecoded(page * PAGE))).toEqual([false, false]);
    expect(handleOf(FIRST * PAGE)).toBe(FIRST);
  });

  it('can be as many as there is room for at a time, and more are as if they had none', () => {
    const each = PAGE / 2;
    const all = (page: number): [number, number][] => Array.from({ length: each }, (_, n) => [page * PAGE + n * 2, page]);
    const { code, handleOf } = pages(all);
    const full = FIRST + Math.ceil(HANDLE_COUNT / each);
    for (let page = FIRST; page <= full; page++) code.slot(page);
    expect([full - 2, full].map((page) => handleOf(page * PAGE))).toEqual([full - 2, 0]);
    // Those of the first are given to others.
    for (let n = 0; n < each; n++) code.setHandle(FIRST * PAGE + n * 2, 0);
    for (const [pc, handle] of all(full)) code.setHandle(pc, handle);
    expect(all(full).map(([pc]) => handleOf(pc))).toEqual(all(full).map(([, handle]) => handle));
  });

  it('are found anew when pages have taken slots from one another many times', () => {
    const each = 64;
    const { code, handleOf } = pages((page) => Array.from({ length: each }, (_, n) => [page * PAGE + n * 4, page]));
    const last = FIRST + Math.ceil((2 * HANDLE_COUNT) / each);
    for (let page = FIRST; page <= last; page++) code.slot(page);
    for (let page = last - 9; page <= last; page++) expect(handleOf(page * PAGE + (each - 1) * 4)).toBe(page);
  });
});
