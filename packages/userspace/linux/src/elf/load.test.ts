import { type Backing, Errno, type GuestAddress, PAGE_BYTES, Prot } from '@ashlar/hardware';
import type { LoadedProgram, LoadRequest, ProgramFile } from '@ashlar/kernel-stub';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FakeContext, FakeSpace } from '../fakes.test.support.ts';
import { fakeCpu } from '../fakes.test.support.ts';
import { ET_DYN, makeElf, PT_INTERP, PT_LOAD, USUAL } from './elf.test.support.ts';
import { GUARD_BYTES, HEAP_BYTES, IMAGE_BASE, STACK_BYTES } from './layout.ts';
import { loadElf, SIGRETURN_CODE } from './load.ts';
import { Auxiliary } from './stack.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function fileOf(bytes: Uint8Array, path = '/bin/program'): ProgramFile {
  const read = (at: number, to: Uint8Array): number => {
    const part = bytes.subarray(at, at + to.length);
    to.set(part);
    return part.length;
  };
  const backing: Backing = {
    id: path,
    fetch: (page, into) => (page * PAGE_BYTES >= bytes.length ? -Errno.ENXIO : read(page * PAGE_BYTES, into)),
  };
  return { path, size: bytes.length, backing, read };
}

function load(bytes: Uint8Array, more: Partial<LoadRequest> = {}) {
  const cpu = fakeCpu();
  const request: LoadRequest = {
    file: fileOf(bytes),
    argv: [text('program'), text('one')],
    env: [text('A=b')],
    execPath: text('./program'),
    account: { limitPages: 1e6, usedPages: 0, charge: () => 0, sub: () => -Errno.ENOMEM, close: () => undefined },
    cpu: () => cpu,
    random: (to) => to.fill(0x5a),
    open: () => -Errno.ENOENT,
    ...more,
  };
  const out = {} as LoadedProgram;
  const reply = loadElf(request, out);
  return { reply, space: out.space as FakeSpace, context: out.context as FakeContext, out, spaces: cpu.spaces };
}

const bytesAt = (space: FakeSpace, at: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  expect(space.copyIn(at as GuestAddress, bytes)).toBe(length);
  return bytes;
};

const wordAt = (space: FakeSpace, at: number): number => Number(new DataView(bytesAt(space, at, 8).buffer).getBigUint64(0, true));

function stringAt(space: FakeSpace, at: number): string {
  let length = 0;
  while (bytesAt(space, at + length, 1)[0] !== 0) length++;
  return new TextDecoder().decode(bytesAt(space, at, length));
}

/** The stack as a program's start-up code reads it. */
function readStack(space: FakeSpace, pointer: number) {
  const argc = wordAt(space, pointer);
  const strings = (at: number): { values: string[]; next: number } => {
    const values: string[] = [];
    let next = at;
    for (; wordAt(space, next) !== 0; next += 8) values.push(stringAt(space, wordAt(space, next)));
    return { values, next: next + 8 };
  };
  const argv = strings(pointer + 8);
  const env = strings(argv.next);
  const auxiliary = new Map<number, number>();
  for (let at = env.next; wordAt(space, at) !== 0; at += 16) auxiliary.set(wordAt(space, at), wordAt(space, at + 8));
  return { argc, argv: argv.values, env: env.values, auxiliary };
}

describe('loading a static program', () => {
  it('maps each segment from the file with its protection', () => {
    const { reply, space } = load(makeElf(USUAL));
    expect(reply).toBe(0);
    const [first, second, third] = space.mappings();
    expect(first).toMatchObject({ start: 0x1_0000, bytes: 0x2000, prot: Prot.READ | Prot.EXEC, offset: 0, sharing: 'private' });
    expect(second).toMatchObject({ start: 0x1_2000, bytes: 0x2000, prot: Prot.READ | Prot.WRITE, offset: 0x1000 });
    expect(third).toMatchObject({ start: 0x1_4000, bytes: 0x3000, prot: Prot.READ | Prot.WRITE, backing: undefined });
  });

  it('takes file bytes as they are and zeroes the rest of their last page', () => {
    const { space } = load(makeElf(USUAL));
    expect([...bytesAt(space, 0x1_2f00, 0x180)].every((byte) => byte === 0xaa)).toBe(true);
    expect([...bytesAt(space, 0x1_3080, 0x1000)].every((byte) => byte === 0)).toBe(true);
  });

  it('puts guard, stack, heap and mappings after the image', () => {
    const { out, space, context } = load(makeElf(USUAL));
    const stackStart = 0x1_7000 + GUARD_BYTES;
    expect(space.mappings()).toContainEqual({
      start: stackStart,
      bytes: STACK_BYTES,
      prot: Prot.READ | Prot.WRITE,
      sharing: 'private',
      backing: undefined,
      offset: 0,
    });
    expect(bytesAt(space, stackStart + STACK_BYTES, 8)).toEqual(SIGRETURN_CODE);
    expect(out.heapStart).toBe(stackStart + STACK_BYTES + PAGE_BYTES);
    expect(out.mapStart).toBe(out.heapStart + HEAP_BYTES);
    expect(context.pc).toBe(0x1_0078);
  });

  it('keeps few pages: those it wrote', () => {
    // The end of data, the sigreturn page, the end of the stack.
    expect(load(makeElf(USUAL)).space.residentPages).toBe(3);
  });

  it('gives arguments, environment and auxiliary vector', () => {
    const { space, context } = load(makeElf(USUAL));
    const pointer = context.readUnsigned(2);
    expect(pointer % 16).toBe(0);
    const stack = readStack(space, pointer);
    expect(stack).toMatchObject({ argc: 2, argv: ['program', 'one'], env: ['A=b'] });
    const { auxiliary } = stack;
    expect(auxiliary.get(Auxiliary.PHDR)).toBe(0x1_0040);
    expect(auxiliary.get(Auxiliary.PHENT)).toBe(56);
    expect(auxiliary.get(Auxiliary.PHNUM)).toBe(3);
    expect(auxiliary.get(Auxiliary.PAGESZ)).toBe(4096);
    expect(auxiliary.get(Auxiliary.ENTRY)).toBe(0x1_0078);
    expect(auxiliary.get(Auxiliary.BASE)).toBe(0);
    // COMPAT_HWCAP_ISA_ I M A F D C, as Linux reports RV64GC.
    expect(auxiliary.get(Auxiliary.HWCAP)).toBe(0x112d);
    expect(auxiliary.get(Auxiliary.CLKTCK)).toBe(100);
    expect(stringAt(space, auxiliary.get(Auxiliary.EXECFN)!)).toBe('./program');
    expect([...bytesAt(space, auxiliary.get(Auxiliary.RANDOM)!, 16)].every((byte) => byte === 0x5a)).toBe(true);
  });

  it('aligns the stack whatever the strings', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.array(fc.string(), { maxLength: 20 }), (argv, env) => {
        const strings = (values: readonly string[]) => values.map((value) => text(value.replaceAll('\0', '')));
        const { reply, context, space } = load(makeElf(USUAL), { argv: strings(argv), env: strings(env) });
        expect(reply).toBe(0);
        expect(context.readUnsigned(2) % 16).toBe(0);
        expect(readStack(space, context.readUnsigned(2)).argc).toBe(argv.length);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('refuses arguments that would not fit', () => {
    const { reply, spaces } = load(makeElf(USUAL), { argv: [new Uint8Array(2 << 20).fill(65)] });
    expect(reply).toBe(-Errno.E2BIG);
    expect(spaces.every((space) => space.destroyed)).toBe(true);
  });
});

describe('loading a movable program', () => {
  const MOVABLE = {
    type: ET_DYN,
    entry: 0x100,
    segments: [{ type: PT_LOAD, flags: 5, offset: 0, address: 0, fileBytes: 0x1000, memoryBytes: 0x1000, align: 0x1_0000 }],
  };

  it('is based at the lowest address that suits its alignment', () => {
    const { context, space } = load(makeElf(MOVABLE));
    expect(context.pc).toBe(IMAGE_BASE + 0x100);
    expect(space.mappings()[0]?.start).toBe(IMAGE_BASE);
  });

  it('starts its interpreter, which finds the program in the auxiliary vector', () => {
    const name = '/lib/ld.so';
    const program = makeElf({
      ...MOVABLE,
      segments: [
        ...MOVABLE.segments,
        { type: PT_INTERP, flags: 4, offset: 0x200, address: 0x200, fileBytes: name.length + 1, memoryBytes: name.length + 1 },
      ],
      write: (bytes) => bytes.set(text(name), 0x200),
    });
    const opened: string[] = [];
    const { reply, context, space, out } = load(program, {
      open: (path) => {
        opened.push(new TextDecoder().decode(path));
        return fileOf(makeElf({ ...MOVABLE, entry: 0x40 }), name);
      },
    });
    expect(reply).toBe(0);
    expect(opened).toEqual([name]);
    const { auxiliary } = readStack(space, context.readUnsigned(2));
    const base = auxiliary.get(Auxiliary.BASE)!;
    expect(base).toBeGreaterThanOrEqual(out.mapStart);
    expect(base % 0x1_0000).toBe(0);
    expect(context.pc).toBe(base + 0x40);
    expect(auxiliary.get(Auxiliary.ENTRY)).toBe(IMAGE_BASE + 0x100);
  });

  it('fails as its interpreter fails', () => {
    const program = makeElf({
      ...MOVABLE,
      segments: [...MOVABLE.segments, { type: PT_INTERP, flags: 4, offset: 0x200, address: 0x200, fileBytes: 4, memoryBytes: 4 }],
      write: (bytes) => bytes.set(text('/ld'), 0x200),
    });
    expect(load(program).reply).toBe(-Errno.ENOENT);
  });
});

describe('what cannot be run', () => {
  const segment = USUAL.segments[0]!;
  const cases: readonly (readonly [string, Uint8Array, number])[] = [
    ['an empty file', new Uint8Array(0), Errno.ENOEXEC],
    ['a cut header', makeElf(USUAL).subarray(0, 40), Errno.ENOEXEC],
    ['another machine', makeElf({ ...USUAL, machine: 62 }), Errno.ENOEXEC],
    ['an object file', makeElf({ ...USUAL, type: 1 }), Errno.ENOEXEC],
    ['no segments', makeElf({ segments: [] }), Errno.ENOEXEC],
    ['more program headers than allowed', makeElf({ segments: Array.from({ length: 129 }, () => segment) }), Errno.ENOEXEC],
    [
      'a segment past the file',
      makeElf({ segments: [{ ...segment, fileBytes: 0x9000, memoryBytes: 0x9000 }], bytes: 0x2000 }),
      Errno.ENOEXEC,
    ],
    ['more in the file than in memory', makeElf({ segments: [{ ...segment, memoryBytes: 0x10 }] }), Errno.EINVAL],
    ['offset and address that differ within a page', makeElf({ segments: [{ ...segment, address: 0x1_0010 }] }), Errno.EINVAL],
    ['an address outside the space', makeElf({ segments: [{ ...segment, address: 0xffff_f000 }] }), Errno.ENOMEM],
    ['an address below the space', makeElf({ segments: [{ ...segment, address: 0 }] }), Errno.ENOMEM],
    ['more memory than there are addresses', makeElf({ segments: [{ ...segment, memoryBytes: 0xf000_0000 }] }), Errno.ENOMEM],
  ];
  for (const [what, bytes, errno] of cases) {
    it(`${what} is refused`, () => {
      const { reply, spaces } = load(bytes);
      expect(reply).toBe(-errno);
      expect(spaces.every((space) => space.destroyed)).toBe(true);
    });
  }

  it('any damage to a file is loaded or refused, with nothing left behind', () => {
    const whole = makeElf(USUAL);
    const damage = fc.array(fc.tuple(fc.nat(64 + 3 * 56 - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.option(fc.nat(whole.length)), (changes, cut) => {
        const bytes = whole.slice(0, cut ?? whole.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const { reply, spaces } = load(bytes);
        const allowed: unknown[] = [0, -Errno.ENOEXEC, -Errno.EINVAL, -Errno.ENOMEM, -Errno.ENOENT, -Errno.EFAULT, -Errno.ENXIO];
        expect(allowed).toContain(reply);
        expect(spaces.filter((space) => !space.destroyed).length).toBe(reply === 0 ? 1 : 0);
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
});
