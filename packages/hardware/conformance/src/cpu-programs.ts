import {
  type AddressSpace,
  type Context,
  type Cpu,
  type GuestAddress,
  Prot,
  type Riscv64Context,
  type Wasm32Context,
} from '@ashlar/hardware';
import { type CpuFixture, type CpuProgram, type LoadedGuest, TestAccount } from './cpu-fixture.ts';

const CODE = 0x1_0000;
const DATA = 0x2_0000;
const ABSENT = 0x3_0000;

/** Encodings of RV64I (ISA manual vol. I, chapter 2): just what the suite's programs need. */
const T0 = 5;
const T1 = 6;
const lui = (rd: number, page: number): number => (page << 12) | (rd << 7) | 0x37;
const addi = (rd: number, rs: number, imm: number): number => (imm << 20) | (rs << 15) | (rd << 7) | 0x13;
const lw = (rd: number, rs: number): number => (rs << 15) | (2 << 12) | (rd << 7) | 0x03;
const sw = (value: number, rs: number): number => (value << 20) | (rs << 15) | (2 << 12) | 0x23;
const ECALL = 0x73;
/** jal x0, so many bytes back. */
const back = (bytes: number): number => {
  const offset = -bytes;
  const bit = (from: number, length: number): number => (offset >> from) & ((1 << length) - 1);
  return (bit(20, 1) << 31) | (bit(1, 10) << 21) | (bit(11, 1) << 20) | (bit(12, 8) << 12) | 0x6f;
};

const RISCV64: Readonly<Record<CpuProgram, readonly number[]>> = {
  count: [lui(T0, DATA >> 12), lw(T1, T0), addi(T1, T1, 1), sw(T1, T0), ECALL, back(12)],
  spin: [lui(T0, DATA >> 12), lw(T1, T0), addi(T1, T1, 1), sw(T1, T0), back(12)],
  illegal: [addi(T0, 0, 1), 0],
  store: [lui(T0, ABSENT >> 12), addi(T1, 0, 7), sw(T1, T0), ECALL],
};

/** The suite's programs for a `riscv64-user` CPU. */
export function riscv64Fixture(cpu: Cpu): CpuFixture {
  const account = new TestAccount(1 << 16);
  const blank = (): LoadedGuest => {
    const space = cpu.space(account) as AddressSpace;
    return { space, context: cpu.context(space) as Context };
  };
  return {
    cpu,
    account,
    counterAt: DATA as GuestAddress,
    storeAt: ABSENT as GuestAddress,
    blank,
    load: (program) => {
      const guest = blank();
      guest.space.map(CODE as GuestAddress, 4096, Prot.READ | Prot.EXEC, undefined, 0, 'private');
      guest.space.map(DATA as GuestAddress, 4096, Prot.READ | Prot.WRITE, undefined, 0, 'private');
      guest.space.copyOut(CODE as GuestAddress, new Uint8Array(Uint32Array.from(RISCV64[program]).buffer), true);
      (guest.context as Riscv64Context).pc = CODE as GuestAddress;
      return guest;
    },
    patch: (space) => {
      space.copyOut((CODE + 8) as GuestAddress, new Uint8Array(Uint32Array.of(addi(T1, T1, 2)).buffer), true);
    },
    complete: (context) => {
      const riscv = context as Riscv64Context;
      riscv.pc = (riscv.pc + 4) as GuestAddress;
    },
  };
}

const COUNTER = 1024;
const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const COUNTER_LEB = [0x80, 0x08];
/** i32.const 1024; local.get 0; i32.const 1; i32.add; local.tee 0; i32.store */
const INCREMENT = [0x41, ...COUNTER_LEB, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x36, 2, 0];
const LOOP = [0x03, 0x40];
const AGAIN = [0x0c, 0, 0x0b];
const CALL = [0x10, 0];

const WASM32: Readonly<Record<CpuProgram, readonly number[]>> = {
  count: [...LOOP, ...INCREMENT, ...CALL, ...AGAIN],
  spin: [...LOOP, ...INCREMENT, ...AGAIN],
  illegal: [0x00],
  store: [0x41, 0x80, 0x80, 0xc0, 0x00, 0x41, 7, 0x36, 2, 0, ...CALL],
};

/** A module that imports `env.call`, has a page of memory, and whose `_start` is the program. */
function wasmModule(program: CpuProgram): Uint8Array {
  const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
  const body = [1, 1, 0x7f, ...WASM32[program], 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(2, 1, ...name('env'), ...name('call'), 0, 0),
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(7, 2, ...name('_start'), 0, 1, ...name('memory'), 2, 0),
    ...section(10, 1, body.length, ...body),
  ]);
}

/** The suite's programs for a `wasm32` CPU. */
export function wasm32Fixture(cpu: Cpu): CpuFixture {
  const account = new TestAccount(1 << 16);
  const load = (program: CpuProgram): LoadedGuest => {
    const space = cpu.space(account) as AddressSpace;
    const context = cpu.context(space, wasmModule(program));
    if (typeof context === 'number' || 'on' in context)
      throw new Error(`the module of '${program}' was refused: ${JSON.stringify(context)}`);
    return { space, context };
  };
  return {
    cpu,
    account,
    counterAt: COUNTER as GuestAddress,
    storeAt: 0x10_0000 as GuestAddress,
    load,
    blank: load,
    complete: (context) => (context as Wasm32Context).complete(),
  };
}
