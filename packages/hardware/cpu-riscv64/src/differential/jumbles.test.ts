import { expect, it } from 'vitest';
import { INSTRUCTIONS } from '../isa/table.ts';
import { planRegion } from '../translator/blueprint.ts';
import { expectCallees } from '../translator/callees.ts';
import { regionModule } from '../translator/emit.ts';
import { inlineCalls } from '../translator/inlining.ts';
import { type Block, calls, comesBackTo, exploreRegion, looksAtFuel, type Region, successors } from '../translator/region.ts';
import { setEntriesApart } from '../translator/resumption.ts';
import { DATA, differ, HOT, JOINED } from './directed.ts';
import { Random } from './random.ts';
import * as Word from './words.ts';

/** Environment: ASHLAR_JUMBLES and ASHLAR_SEED for other runs than the usual one. */
const N = Number(process.env.ASHLAR_JUMBLES ?? 1500);
const SEED = Number(process.env.ASHLAR_SEED ?? 1);
const CODE = 0x1_0000;
const PLAIN = INSTRUCTIONS.filter(({ match }) =>
  [0x13, 0x1b, 0x33, 0x3b, 0x03, 0x23, 0x07, 0x27, 0x2f, 0x53, 0x43, 0x37].includes(match & 0x7f),
);
const SIMPLE = PLAIN.filter(({ name }) =>
  ['addi', 'addiw', 'lbu', 'sb', 'ld', 'sd', 'slli', 'srli', 'or', 'add', 'lw', 'sw', 'mul', 'andi', 'and', 'sub'].includes(name),
);

function program(random: Random): { words: number[]; callees: Map<number, number[]> } {
  const n = random.between(4, random.chance(3) ? 90 : 30);
  const callees = new Map<number, number[]>();
  const words: number[] = [];
  const target = (i: number): number => (random.chance(3) ? random.below(n) : Math.max(0, Math.min(n - 1, i + random.between(-6, 8)))) - i;
  for (let i = 0; i < n; i++) {
    const pc = CODE + 4 * i;
    const r = (): number => random.pick([1, 2, 5, 6, 8, 9, 10, 11, 12, 20]);
    switch (random.below(random.chance(2) ? 14 : 30)) {
      case 0:
      case 1:
      case 2:
      case 3:
        words.push(Word.branch(random.pick([0, 1, 4, 5, 6, 7]), r(), random.chance(3) ? 0 : r(), 4 * target(i)));
        break;
      case 4:
        words.push(Word.jal(0, 4 * target(i)));
        break;
      case 5:
        words.push(Word.jal(random.chance(8) ? 5 : 1, 4 * target(i)));
        break;
      case 6: {
        const register = r();
        words.push(Word.jalr(random.chance(5) ? 5 : 1, register, 0));
        callees.set(
          pc,
          Array.from({ length: random.below(4) }, () => CODE + 4 * random.below(n)).filter((one, k, all) => all.indexOf(one) === k),
        );
        break;
      }
      case 7:
        words.push(random.chance(3) ? Word.ECALL : Word.jalr(0, 1, 0));
        break;
      case 8:
        words.push(random.chance(2) ? Word.jalr(0, r(), 0) : Word.auipc(random.pick([1, 6]), 0));
        break;
      default: {
        const row = random.pick(random.chance(2) ? SIMPLE : PLAIN);
        let word = (row.match | (random.bits() & ~row.mask)) >>> 0;
        if (random.chance(2) && row.destination === 'x') word = ((word & ~((31 << 7) | (31 << 15))) | (r() << 7) | (r() << 15)) >>> 0;
        if (row.format === 'RM' || row.format === 'R4') word = ((word & ~0x7000) | (7 << 12)) >>> 0;
        words.push(word);
      }
    }
  }
  return { words, callees };
}

/** What the plan lets the fuel go below 0 by; undefined if nothing. */
function overdrawn(region: Region, lasts: boolean): string | undefined {
  const plan = planRegion(region, lasts);
  const { checkpoints, longest, region: planned } = plan;
  const looks = (block: Block): boolean => looksAtFuel(block, checkpoints) || (checkpoints.has(block.start) && block.end.kind === 'begin');
  const most = new Map<number, number>();
  const visiting = new Set<number>();
  const next = (block: Block): number => {
    if (calls(block) || block.end.kind === 'jumpIndirect') return 0;
    if (block.end.kind === 'gate' || block.end.kind === 'admit') {
      // They compare the fuel themselves on the way that is steady.
      const other = block.end.kind === 'gate' ? block.end.admission : block.end.header;
      return upTo(other);
    }
    return Math.max(0, ...successors(planned, block).map(upTo));
  };
  const upTo = (pc: number): number => {
    const block = planned.blocks.get(pc) as Block;
    if (looks(block)) return 0;
    const known = most.get(pc);
    if (known !== undefined) return known;
    if (visiting.has(pc)) return Number.POSITIVE_INFINITY;
    visiting.add(pc);
    const all = block.ops.length + next(block);
    visiting.delete(pc);
    most.set(pc, all);
    return all;
  };
  for (const block of planned.blocks.values()) {
    const back = comesBackTo(planned, block);
    if (back !== undefined && upTo(back) > 0) return `back to ${back} ${upTo(back)}`;
    if (!looks(block)) continue;
    const need = block.ops.length + next(block);
    if (need > (longest.get(block.start) as number) && block.end.kind !== 'begin')
      return `${block.start} needs ${need} has ${longest.get(block.start)}`;
  }
  for (const pc of planned.entries) if (upTo(pc) > 0) return `entry ${pc}`;
  return undefined;
}

it('plans of code with any jumps never let the fuel go below 0, and are modules', { timeout: 600_000 }, () => {
  const bad: string[] = [];
  for (let i = 0; i < N && bad.length < 8; i++) {
    const seed = SEED * 1_000_003 + i;
    const random = new Random(seed);
    const { words, callees } = program(random);
    const halves = new Uint16Array(Uint32Array.from(words).buffer);
    const isReached = random.chance(2) ? () => true : (pc: number) => ((pc * 2654435761) >>> 13) % 5 !== 0;
    const view = {
      half: (pc: number) => halves[(pc - CODE) / 2] ?? -1,
      taken: () => false,
      reached: isReached,
      calleesOf: (pc: number) => callees.get(pc) ?? [],
    };
    try {
      const first = exploreRegion(view, [CODE, ...(random.chance(2) ? [CODE + 4 * random.below(words.length)] : [])]);
      if (first === undefined) continue;
      let region = inlineCalls(expectCallees(first, view), view, { most: 64, regionMost: 1500, isOften: () => true });
      if (random.chance(2)) region = setEntriesApart(region);
      const lasts = random.chance(2);
      const over = overdrawn(region, lasts);
      if (over !== undefined) bad.push(`${seed} ${over}`);
      const bytes = regionModule([region], { fuses: false, lasts }, { kept: 0, elided: 0 });
      if (!WebAssembly.validate(bytes)) bad.push(`${seed} invalid`);
    } catch (e) {
      bad.push(`${seed} ${(e as Error).stack?.slice(0, 300)}`);
    }
  }
  expect(bad).toEqual([]);
});

it('code with any jumps is the same translated and interpreted at every stop', { timeout: 600_000 }, () => {
  const bad: string[] = [];
  for (let i = 0; i < N / 10 && bad.length < 8; i++) {
    const seed = SEED * 1_000_003 + i;
    const random = new Random(seed);
    const { words } = program(random);
    words.push(Word.jal(0, 4 * (random.below(words.length) - words.length)));
    const registers: Record<number, number> = {};
    for (const r of [1, 2, 5, 6, 8, 9, 10, 11, 12, 20, 21, 22, 30])
      registers[r] = random.pick([
        CODE + 4 * random.below(words.length),
        DATA + 8 * random.below(0x600),
        random.below(40),
        random.bits() * 16 + random.below(16),
      ]);
    const budgets = Array.from({ length: 300 }, () =>
      random.chance(3) ? random.between(1, 4) : random.between(1, random.chance(2) ? 30 : 300),
    );
    const maps = [[DATA, 0x3000, 3]] as const;
    try {
      const d = differ(
        words,
        { fill: seed, registers, maps },
        ([HOT, JOINED, 'eager'] as const)[i % 3] as 'eager',
        (k) => budgets[k] as number,
        300,
      );
      if (d !== undefined) bad.push(`${seed} ${i % 3} ${d}`);
    } catch (e) {
      bad.push(`${seed} ${(e as Error).stack?.slice(0, 300)}`);
    }
  }
  expect(bad).toEqual([]);
});
