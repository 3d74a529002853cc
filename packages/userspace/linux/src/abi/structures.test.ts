import type { SignalInfo, Status } from '@ashlar/kernel-stub';
import { describe, expect, it } from 'vitest';
import { FakeContext } from '../fakes.test.support.ts';
import { SIGFRAME_BYTES, SignalFrame } from './sigframe.ts';
import * as Structures from './structures.ts';
import { getUnsignedWord, getWord, putWord } from './word.ts';

/*
 * The offsets in this file were printed by a C program of offsetof and sizeof over <asm/stat.h>, <linux/stat.h>, <asm/statfs.h>, <sys/utsname.h>,
 * <linux/sysinfo.h>, <linux/resource.h>, <linux/eventpoll.h>, <asm/termbits.h>, <asm/siginfo.h>, <asm/ucontext.h> and <asm/sigcontext.h>,
 * built with riscv64-linux-gnu-gcc 12.2 (Debian, linux-libc-dev-riscv64-cross) and run by qemu-riscv64 7.2.
 */
const view = new DataView(new ArrayBuffer(1024));
const u64 = (at: number): number => getUnsignedWord(view, at);

const STATUS: Status = {
  device: 5,
  node: 6,
  mode: 0o100644,
  links: 7,
  uid: 8,
  gid: 9,
  rdev: (3 << 8) | 4 | (1 << 20),
  size: 2 ** 40 + 1,
  blockBytes: 4096,
  blocks: 11,
  atime: { sec: 12, nsec: 13 },
  mtime: { sec: -14, nsec: 15 },
  ctime: { sec: 16, nsec: 17 },
};

describe('64-bit fields', () => {
  it.each([0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1, -4096])('%d comes back as it was', (value) => {
    putWord(view, 0, value);
    expect(view.getBigInt64(0, true)).toBe(BigInt(value));
    expect(getWord(view, 0)).toBe(value);
  });
});

describe('struct stat (128 bytes)', () => {
  it('has each field where C has it', () => {
    Structures.putStat(view, STATUS);
    expect([u64(0), u64(8), view.getUint32(16, true), view.getUint32(20, true)]).toEqual([5, 6, 0o100644, 7]);
    expect([view.getUint32(24, true), view.getUint32(28, true), u64(32), u64(48)]).toEqual([8, 9, STATUS.rdev, 2 ** 40 + 1]);
    expect([view.getInt32(56, true), u64(64)]).toEqual([4096, 11]);
    expect([u64(72), u64(80), getWord(view, 88), u64(96), u64(104), u64(112)]).toEqual([12, 13, -14, 15, 16, 17]);
  });
});

describe('struct statx (256 bytes)', () => {
  it('has each field where C has it', () => {
    Structures.putStatx(view, STATUS);
    expect([view.getUint32(0, true), view.getUint32(4, true), u64(8)]).toEqual([0x7ff, 4096, 0]);
    expect([16, 20, 24].map((at) => view.getUint32(at, true))).toEqual([7, 8, 9]);
    expect([view.getUint16(28, true), u64(32), u64(40), u64(48)]).toEqual([0o100644, 6, 2 ** 40 + 1, 11]);
    // atime, btime, ctime, mtime
    expect([u64(64), view.getUint32(72, true), u64(80), u64(96), getWord(view, 112)]).toEqual([12, 13, 0, 16, -14]);
    // rdev and dev, major and minor: the minor's high bits lie above the major
    expect([128, 132, 136, 140].map((at) => view.getUint32(at, true))).toEqual([3, 4 | (1 << 8), 0, 5]);
  });
});

describe('struct statfs (120 bytes)', () => {
  it('has each field where C has it', () => {
    Structures.putStatfs(view, Float64Array.of(0x1021994, 4096, 100, 50, 30, 20, 255));
    expect([0, 8, 16, 24, 32, 40, 48, 64, 72].map(u64)).toEqual([0x1021994, 4096, 100, 50, 50, 30, 20, 255, 4096]);
  });
});

describe('struct utsname (390 bytes)', () => {
  it('has a field every 65 bytes', () => {
    const bytes = new Uint8Array(Structures.UTSNAME_BYTES);
    Structures.putNames(bytes, ['Linux', 'host', 'release', 'version', 'riscv64', 'domain']);
    const field = (index: number) => String.fromCharCode(...bytes.subarray(index * 65, bytes.indexOf(0, index * 65)));
    expect([0, 1, 2, 3, 4, 5].map(field)).toEqual(['Linux', 'host', 'release', 'version', 'riscv64', 'domain']);
  });
});

describe('struct rusage (144 bytes) and struct sysinfo (112 bytes)', () => {
  it('have each field where C has it', () => {
    Structures.putUsage(view, 0, Float64Array.of(1, 2_000, 3, 4_000, 5, 6, 7, 8, 9));
    expect([0, 8, 16, 24, 32, 64, 72, 128, 136].map(u64)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    Structures.putSysinfo(view, Float64Array.of(10, 11, 12, 13));
    expect([u64(0), u64(32), u64(40), view.getUint16(80, true), view.getUint32(104, true)]).toEqual([10, 11, 12, 13, 1]);
  });
});

describe('struct termios of the kernel (36 bytes)', () => {
  it('comes back as it was, with its characters at 17', () => {
    const characters = Uint8Array.from({ length: 19 }, (_, index) => index + 1);
    Structures.putTermios(view, { input: 1, output: 2, control: 3, local: 4, line: 5, characters });
    expect([0, 4, 8, 12].map((at) => view.getUint32(at, true))).toEqual([1, 2, 3, 4]);
    expect([view.getUint8(16), view.getUint8(17), view.getUint8(35)]).toEqual([5, 1, 19]);
    const out = { input: 0, output: 0, control: 0, local: 0, line: 0, characters: new Uint8Array(19) };
    Structures.getTermios(view, out);
    expect(out).toEqual({ input: 1, output: 2, control: 3, local: 4, line: 5, characters });
  });
});

describe('siginfo_t (128 bytes)', () => {
  const info: SignalInfo = { signal: 11, code: 1, pid: 2, uid: 3, address: 0x1234_5678_9abc, status: 4 };

  it('of a fault has the address', () => {
    Structures.putSignalInfo(view, 0, info);
    expect([view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true), u64(16)]).toEqual([11, 0, 1, 0x1234_5678_9abc]);
  });

  it('of a child has pid, uid and status', () => {
    Structures.putSignalInfo(view, 0, { ...info, signal: 17 });
    expect([16, 20, 24].map((at) => view.getInt32(at, true))).toEqual([2, 3, 4]);
  });

  it('of a process has pid, uid and value', () => {
    Structures.putSignalInfo(view, 0, { ...info, code: -1, address: 99 });
    expect([view.getInt32(16, true), view.getInt32(20, true), u64(24)]).toEqual([2, 3, 99]);
  });
});

describe('struct rt_sigframe', () => {
  const filled = () => {
    const context = new FakeContext();
    context.pc = 0x1_2340 as typeof context.pc;
    for (let index = 1; index < 32; index++) context.x[index] = BigInt(index) << 40n;
    context.float.fill(0xf0);
    const frame = new SignalFrame();
    const info = { signal: 10, code: 0, pid: 1, uid: 0, address: 0, status: 0 };
    frame.fill(context, info, 0xaaaa_0000, 0x5555, { base: 0x7000, bytes: 0x2000, flags: 1 });
    return { context, frame, view: new DataView(frame.bytes.buffer) };
  };

  it('has siginfo, ucontext and mcontext where Linux has them', () => {
    const { frame, view: at } = filled();
    // sizeof(siginfo_t) 128 + sizeof(struct ucontext) 960
    expect([frame.bytes.length, SIGFRAME_BYTES]).toEqual([1088, 128 + 960]);
    expect(at.getInt32(0, true)).toBe(10);
    // uc_flags and uc_link 0; uc_stack at 16: sp, flags, size; uc_sigmask at 40
    expect([128, 136, 144, 160].map((offset) => Number(at.getBigUint64(offset, true)))).toEqual([0, 0, 0x7000, 0x2000]);
    expect([at.getInt32(152, true), at.getUint32(168, true), at.getUint32(172, true)]).toEqual([1, 0xaaaa_0000, 0x5555]);
    // uc_mcontext at 176: pc, x1 … x31; then f0 … f31 and fcsr
    expect([at.getBigUint64(304, true), at.getBigUint64(304 + 31 * 8, true)]).toEqual([0x1_2340n, 31n << 40n]);
    expect([frame.bytes[560], frame.bytes[560 + 259], frame.bytes[560 + 260]]).toEqual([0xf0, 0xf0, 0]);
  });

  it('has the address of a fault exactly where a number rounds it', () => {
    const [context, frame] = [new FakeContext(), new SignalFrame()];
    const exact = 0x1234_5678_9abc_def1n;
    context.faultLow = Number(BigInt.asIntN(32, exact));
    context.faultHigh = Number(exact >> 32n);
    const shown = [Number(exact), 0x5000].map((at) => {
      frame.fill(context, { signal: 11, code: 1, pid: 0, uid: 0, address: at, status: 0 }, 0, 0, { base: 0, bytes: 0, flags: 0 });
      return new DataView(frame.bytes.buffer).getBigUint64(16, true);
    });
    expect(shown).toEqual([exact, 0x5000n]);
  });

  it('gives back exactly what it took', () => {
    const { context, frame } = filled();
    const other = new FakeContext();
    frame.restore(other);
    expect([other.pc, other.x.slice(1), other.float]).toEqual([context.pc, context.x.slice(1), context.float]);
    expect([frame.maskLow >>> 0, frame.maskHigh, frame.stack]).toEqual([0xaaaa_0000, 0x5555, { base: 0x7000, bytes: 0x2000, flags: 1 }]);
    expect(frame.valid).toBe(true);
  });

  it('is refused with anything in the reserved words', () => {
    const { frame, view: at } = filled();
    at.setUint32(560 + 516, 1, true);
    expect(frame.valid).toBe(false);
  });
});
