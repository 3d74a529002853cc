import { clauseTests } from '@ashlar/conformance';
import { type AddressSpace, type Backing, Errno, type GuestAddress, PAGE_BYTES, Prot } from '@ashlar/hardware';
import { expect } from 'vitest';
import { type CpuFixture, TestAccount } from './cpu-fixture.ts';

const at = (address: number): GuestAddress => address as GuestAddress;
const RW = Prot.READ | Prot.WRITE;

function fresh(fixture: CpuFixture): AddressSpace {
  const space = fixture.cpu.space(fixture.account);
  if (typeof space === 'number') throw new Error(`no space: ${space}`);
  return space;
}

/** The first mapping that tests make: well above the space's base. */
const startOf = (space: AddressSpace): number => Math.ceil((space.base + (1 << 20)) / PAGE_BYTES) * PAGE_BYTES;

/** A backing whose page n is filled with n + 1. */
const striped = (id: string): Backing & { stored: Map<number, Uint8Array> } => ({
  id,
  stored: new Map(),
  fetch: (page, into) => {
    into.fill(page + 1);
    return into.length;
  },
});

function peek(space: AddressSpace, address: number): number {
  const byte = new Uint8Array(1);
  const reply = space.copyIn(at(address), byte);
  return reply === 1 ? (byte[0] as number) : Number(reply);
}

const poke = (space: AddressSpace, address: number, value: number): number => Number(space.copyOut(at(address), Uint8Array.of(value)));

/** The clauses of docs/spec/machine.md on address spaces. */
export const addressSpaceTests = clauseTests<CpuFixture>(
  {
    clause: 'AS-1',
    title: 'what is not a whole page is refused and changes nothing',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      expect(space.map(at(start + 1), PAGE_BYTES, RW, undefined, 0, 'private')).toBe(-Errno.EINVAL);
      expect(space.map(at(start), PAGE_BYTES - 1, RW, undefined, 0, 'private')).toBe(-Errno.EINVAL);
      expect(space.map(at(start), PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      const { epoch } = space;
      expect(space.unmap(at(start + 8), PAGE_BYTES)).toBe(-Errno.EINVAL);
      expect(space.protect(at(start), 100, Prot.NONE)).toBe(-Errno.EINVAL);
      expect(space.epoch).toBe(epoch);
      expect(poke(space, start, 1)).toBe(1);
    },
  },
  {
    clause: 'AS-2',
    title: 'mapping is free; a page is charged when it is there, and given back',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      const used = fixture.account.usedPages;
      expect(space.map(at(start), 512 << 20, Prot.NONE, undefined, 0, 'private')).toBe(0);
      expect(space.map(at(start), 64 * PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      expect(fixture.account.usedPages).toBe(used);
      for (let page = 0; page < 5; page++) expect(poke(space, start + page * PAGE_BYTES, 1)).toBe(1);
      expect([fixture.account.usedPages - used, space.residentPages]).toEqual([5, 5]);
      expect(space.unmap(at(start), 2 * PAGE_BYTES)).toBe(0);
      expect(fixture.account.usedPages - used).toBe(3);
      expect(space.discard(at(start), 64 * PAGE_BYTES)).toBeLessThanOrEqual(0);
      space.destroy();
      expect(fixture.account.usedPages).toBe(used);
    },
  },
  {
    clause: 'AS-3',
    title: 'an account that is full stops the copy, not the host',
    requires: ['paged'],
    run(fixture) {
      const account = new TestAccount(3);
      const space = fixture.cpu.space(account) as AddressSpace;
      const start = startOf(space);
      expect(space.map(at(start), 8 * PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      const reply = Number(space.copyOut(at(start), new Uint8Array(8 * PAGE_BYTES).fill(9)));
      expect(reply === -Errno.ENOMEM || reply === 3 * PAGE_BYTES).toBe(true);
      expect(account.usedPages).toBeLessThanOrEqual(3);
      space.destroy();
      expect(account.usedPages).toBe(0);
    },
  },
  {
    clause: 'AS-4',
    title: 'copies go up to the first page that does not allow them',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      expect(space.map(at(start), 2 * PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      expect(space.protect(at(start + PAGE_BYTES), PAGE_BYTES, Prot.READ)).toBe(0);
      expect(space.copyOut(at(start + PAGE_BYTES - 4), new Uint8Array(8).fill(1))).toBe(4);
      expect(space.copyOut(at(start + PAGE_BYTES), Uint8Array.of(1))).toBe(-Errno.EFAULT);
      expect(space.copyIn(at(start + 2 * PAGE_BYTES - 3), new Uint8Array(8))).toBe(3);
      expect(space.copyIn(at(start + 2 * PAGE_BYTES), new Uint8Array(8))).toBe(-Errno.EFAULT);
      expect(space.copyIn(at(start + 5), new Uint8Array(0))).toBe(0);
      expect(space.copyIn(at(2 ** 52), new Uint8Array(1))).toBe(-Errno.EFAULT);
    },
  },
  {
    clause: 'AS-5',
    title: 'a private mapping shows its backing until written, and keeps the write to itself',
    requires: ['paged'],
    run(fixture) {
      const backing = striped('private-backing');
      const one = fresh(fixture);
      const other = fresh(fixture);
      const start = startOf(one);
      for (const space of [one, other]) expect(space.map(at(start), 3 * PAGE_BYTES, RW, backing, PAGE_BYTES, 'private')).toBe(0);
      expect([peek(one, start), peek(one, start + PAGE_BYTES)]).toEqual([2, 3]);
      expect(poke(one, start, 99)).toBe(1);
      expect([peek(one, start), peek(one, start + 1), peek(other, start)]).toEqual([99, 2, 2]);
      expect(backing.stored.size).toBe(0);
    },
  },
  {
    clause: 'AS-6',
    title: 'a shared mapping shows every space the same bytes, both ways',
    requires: ['paged'],
    run(fixture) {
      const backing = striped('shared-backing');
      const one = fresh(fixture);
      const other = fresh(fixture);
      const start = startOf(one);
      expect(one.map(at(start), 2 * PAGE_BYTES, RW, backing, 0, 'shared')).toBe(0);
      expect(other.map(at(start + 16 * PAGE_BYTES), 2 * PAGE_BYTES, RW, backing, 0, 'shared')).toBe(0);
      for (let turn = 1; turn < 6; turn++) {
        const [from, to] = turn % 2 === 1 ? [one, other] : [other, one];
        const place = (space: AddressSpace): number => (space === one ? start : start + 16 * PAGE_BYTES) + turn;
        expect(poke(from, place(from), 40 + turn)).toBe(1);
        expect(peek(to, place(to))).toBe(40 + turn);
      }
      expect(one.wordKey(at(start))).toBe(other.wordKey(at(start + 16 * PAGE_BYTES)));
    },
  },
  {
    clause: 'AS-7',
    title: 'PROT_NONE refuses all, and contents survive protect',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      expect(space.map(at(start), PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      expect(poke(space, start, 77)).toBe(1);
      expect(space.protect(at(start), PAGE_BYTES, Prot.NONE)).toBe(0);
      expect([peek(space, start), poke(space, start, 1)]).toEqual([-Errno.EFAULT, -Errno.EFAULT]);
      expect(space.protect(at(start), PAGE_BYTES, Prot.READ)).toBe(0);
      expect([peek(space, start), poke(space, start, 1)]).toEqual([77, -Errno.EFAULT]);
      expect(space.copyOut(at(start), Uint8Array.of(5), true)).toBe(1);
      expect(peek(space, start)).toBe(5);
      expect(space.protect(at(start), 2 * PAGE_BYTES, Prot.READ)).toBe(-Errno.ENOMEM);
    },
  },
  {
    clause: 'AS-8',
    title: 'epoch changes with every change of mappings',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      const seen = [space.epoch];
      space.map(at(start), 4 * PAGE_BYTES, RW, undefined, 0, 'private');
      seen.push(space.epoch);
      space.protect(at(start), PAGE_BYTES, Prot.READ);
      seen.push(space.epoch);
      space.unmap(at(start), PAGE_BYTES);
      seen.push(space.epoch);
      expect(new Set(seen).size).toBe(seen.length);
    },
  },
  {
    clause: 'AS-9',
    title: 'what was unmapped is gone, also when the range is mapped again',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      expect(space.map(at(start), 3 * PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      expect(Number(space.copyOut(at(start), new Uint8Array(3 * PAGE_BYTES).fill(8)))).toBe(3 * PAGE_BYTES);
      expect(space.unmap(at(start + PAGE_BYTES), PAGE_BYTES)).toBe(0);
      expect([peek(space, start), peek(space, start + PAGE_BYTES), peek(space, start + 2 * PAGE_BYTES)]).toEqual([8, -Errno.EFAULT, 8]);
      expect(space.map(at(start + PAGE_BYTES), PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
      expect(peek(space, start + PAGE_BYTES)).toBe(0);
    },
  },
  {
    clause: 'AS-10',
    title: 'swap32 swaps only what was expected',
    run(fixture) {
      const { space } = fixture.load('count');
      const word = fixture.counterAt;
      expect(space.store32(word, 5)).toBeGreaterThanOrEqual(0);
      expect([space.swap32(word, 4, 9), space.load32(word)]).toEqual([0, 5]);
      expect([space.swap32(word, 5, 0xffff_ffff), space.load32(word)]).toEqual([1, 0xffff_ffff]);
      expect(space.swap32(at(2 ** 52), 0, 1)).toBe(-Errno.EFAULT);
    },
  },
  {
    clause: 'AS-11',
    title: 'mappings are listed in order, without overlap',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      const page = (n: number): GuestAddress => at(start + n * PAGE_BYTES);
      space.map(page(8), 2 * PAGE_BYTES, RW, undefined, 0, 'private');
      space.map(page(0), 6 * PAGE_BYTES, Prot.READ, undefined, 0, 'private');
      space.map(page(2), PAGE_BYTES, RW, undefined, 0, 'private');
      space.unmap(page(4), PAGE_BYTES);
      const ranges = space.mappings().map(({ start: from, bytes, prot }) => [(from - start) / PAGE_BYTES, bytes / PAGE_BYTES, prot]);
      expect(ranges).toEqual([
        [0, 2, Prot.READ],
        [2, 1, RW],
        [3, 1, Prot.READ],
        [5, 1, Prot.READ],
        [8, 2, RW],
      ]);
    },
  },
  {
    clause: 'AS-12',
    title: 'destroy gives all back, and the next space sees nothing of it',
    requires: ['paged'],
    run(fixture) {
      const used = fixture.account.usedPages;
      for (let turn = 0; turn < 4; turn++) {
        const space = fresh(fixture);
        const start = startOf(space);
        expect(space.map(at(start), 32 * PAGE_BYTES, RW, undefined, 0, 'private')).toBe(0);
        const block = new Uint8Array(32 * PAGE_BYTES);
        expect(space.copyIn(at(start), block)).toBe(block.length);
        expect(block.every((byte) => byte === 0)).toBe(true);
        expect(space.copyOut(at(start), block.fill(0xaa))).toBe(block.length);
        space.destroy();
        expect(fixture.account.usedPages).toBe(used);
      }
    },
  },
  {
    clause: 'AS-13',
    title: 'gap finds room of that size and alignment, or says that there is none',
    requires: ['paged'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      space.map(at(start), PAGE_BYTES, RW, undefined, 0, 'private');
      const found = space.gap(4 * PAGE_BYTES, at(start), at(start + (1 << 24)), 16 * PAGE_BYTES);
      expect(found).toBeGreaterThanOrEqual(start + PAGE_BYTES);
      expect(found % (16 * PAGE_BYTES)).toBe(0);
      expect(space.gap(4 * PAGE_BYTES, at(start), at(start + 4 * PAGE_BYTES), PAGE_BYTES)).toBe(-Errno.ENOMEM);
    },
  },
  {
    clause: 'AS-14',
    title: 'every page that was written is visited once',
    requires: ['paged', 'dirty tracked'],
    run(fixture) {
      const space = fresh(fixture);
      const start = startOf(space);
      space.map(at(start), 16 * PAGE_BYTES, RW, undefined, 0, 'private');
      const take = (): number[] => {
        const pages: number[] = [];
        expect(space.takeDirty((page) => pages.push(page - start / PAGE_BYTES))).toBeGreaterThanOrEqual(0);
        return pages.sort((one, other) => one - other);
      };
      take();
      poke(space, start + 3 * PAGE_BYTES, 1);
      poke(space, start + 9 * PAGE_BYTES + 5, 1);
      peek(space, start + 12 * PAGE_BYTES);
      expect(take()).toEqual(expect.arrayContaining([3, 9]));
      expect(take()).toEqual([]);
      poke(space, start + 3 * PAGE_BYTES, 2);
      expect(take()).toEqual([3]);
    },
  },
);
