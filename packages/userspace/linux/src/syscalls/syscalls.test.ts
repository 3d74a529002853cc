import { Errno, type GuestAddress, type Instant, PAGE_BYTES, type Reply, type Trap, TrapAnswer } from '@ashlar/hardware';
import type { Io, SignalDelivery, TaskSystem } from '@ashlar/kernel-stub';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FakeTask, fakeSystem, fakeTask, MEMORY } from '../fakes.test.support.ts';
import { LinuxPersonality } from '../personality.ts';
import { SYSCALLS } from './table.ts';

const SYSCALL: Trap = { cause: 'syscall', address: 0 as GuestAddress, access: 'execute', reason: 'none' };
const personality = new LinuxPersonality();
const MEMORY_END = MEMORY + 16 * PAGE_BYTES;
const numberOf = (name: string): number => SYSCALLS.find((syscall) => syscall.name === name)!.number;

function setCall(task: FakeTask, name: string | number, ...args: readonly number[]): void {
  task.context.writeNumber(17, typeof name === 'number' ? name : numberOf(name));
  for (let index = 0; index < 6; index++) task.context.writeNumber(10 + index, args[index] ?? 0);
}

/** Makes a call and answers what a0 is afterwards, or the wait. */
function call(task: FakeTask, system: Partial<TaskSystem>, name: string | number, ...args: readonly number[]) {
  setCall(task, name, ...args);
  task.parked = undefined;
  const pc = task.context.pc;
  const answer = personality.onTrap(fakeSystem(system), task, SYSCALL);
  const parked = task.parked as unknown;
  if (parked === undefined) expect(task.context.pc).toBe(pc + 4);
  else expect([task.context.pc, answer]).toEqual([pc, TrapAnswer.LEAVE]);
  return { result: task.context.readNumber(10), answer, parked };
}

const poke = (task: FakeTask, at: number, bytes: Uint8Array): void => {
  expect(task.space.copyOut(at as GuestAddress, bytes)).toBe(bytes.length);
};
const peek = (task: FakeTask, at: number, length: number): DataView => {
  const bytes = new Uint8Array(length);
  expect(task.space.copyIn(at as GuestAddress, bytes)).toBe(length);
  return new DataView(bytes.buffer);
};
const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);
const words = (...values: readonly number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);

describe('the table', () => {
  it('has one row for a number, and none for what programs are content without', () => {
    const numbers = SYSCALLS.map((syscall) => syscall.number);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const absent of [258, 293, 425, 435]) expect(numbers).not.toContain(absent);
  });

  it('answers ENOSYS for every other number', () => {
    const known = new Set(SYSCALLS.map((syscall) => syscall.number));
    for (const number of [258, 293, 425, 435, 511, 512, 1_000_000, -1, 2 ** 33 + 63]) {
      expect(known.has(number)).toBe(false);
      expect(call(fakeTask(), {}, number).result).toBe(-Errno.ENOSYS);
    }
  });
});

describe('completing a call', () => {
  it('resumes without leaving', () => {
    expect(call(fakeTask(), {}, 'getpid')).toMatchObject({ result: 5, answer: TrapAnswer.RESUME });
    expect(call(fakeTask(), {}, 'gettid')).toMatchObject({ result: 7, answer: TrapAnswer.RESUME });
  });

  it('leaves when the task needs attention, or its mappings changed', () => {
    const task = fakeTask();
    task.attention = true;
    expect(call(task, {}, 'getpid').answer).toBe(TrapAnswer.LEAVE);
    const other = fakeTask();
    const unmap = (): number => other.space.unmap((MEMORY + PAGE_BYTES) as GuestAddress, PAGE_BYTES);
    expect(call(other, { unmap }, 'munmap', MEMORY + PAGE_BYTES, 1)).toMatchObject({ result: 0, answer: TrapAnswer.LEAVE });
  });

  it('parks at the ecall on a wait, and forgets its progress when it is done', () => {
    const task = fakeTask();
    const wait = { on: [] };
    let ready = false;
    const read = (): Reply => {
      task.progress = 3;
      return ready ? 9 : wait;
    };
    expect(call(task, { read }, 'read', 0, MEMORY, 10).parked).toBe(wait);
    expect(task.progress).toBe(3);
    ready = true;
    expect(call(task, { read }, 'read', 0, MEMORY, 10).result).toBe(9);
    expect([task.progress, task.callNote]).toEqual([undefined, undefined]);
  });
});

describe('arguments', () => {
  it('takes ints from the low half of a register, signed', () => {
    const seen: number[] = [];
    const task = fakeTask();
    const close = (_: unknown, fd: number): Reply => seen.push(fd) - 1;
    call(task, { close }, 'close', 2 ** 32 + 3);
    call(task, { close }, 'close', -1);
    call(task, { close }, 'close', 0xffff_ffff);
    expect(seen).toEqual([3, -1, -1]);
  });

  it('keeps 64-bit offsets exact, and refuses those that cannot be', () => {
    const seen: number[] = [];
    const seek = (_: unknown, _fd: number, offset: number): Reply => {
      seen.push(offset);
      return offset;
    };
    const task = fakeTask();
    expect(call(task, { seek }, 'lseek', 3, 2 ** 53 - 1, 0).result).toBe(2 ** 53 - 1);
    expect(call(task, { seek }, 'lseek', 3, -5, 1).result).toBe(-5);
    expect(call(task, { seek }, 'lseek', 3, 2 ** 60, 0).result).toBe(-Errno.EOVERFLOW);
    expect(seen).toEqual([2 ** 53 - 1, -5]);
    expect(call(task, {}, 'pread64', 3, MEMORY, 1, -1).result).toBe(-Errno.EINVAL);
  });

  it('reads paths up to their NUL, across pages', () => {
    const task = fakeTask();
    const paths: string[] = [];
    const chdir = (_: unknown, path: Uint8Array): Reply => paths.push(new TextDecoder().decode(path)) - 1;
    poke(task, MEMORY + PAGE_BYTES - 3, text('/a/b/c'));
    call(task, { chdir }, 'chdir', MEMORY + PAGE_BYTES - 3);
    expect(paths).toEqual(['/a/b/c']);
  });

  it('answers EFAULT for a path that runs into nothing, ENAMETOOLONG for one without end', () => {
    const task = fakeTask();
    poke(task, MEMORY_END - 4, Uint8Array.of(97, 97, 97, 97));
    expect(call(task, {}, 'chdir', MEMORY_END - 4).result).toBe(-Errno.EFAULT);
    poke(task, MEMORY, new Uint8Array(4096).fill(97));
    expect(call(task, {}, 'chdir', MEMORY).result).toBe(-Errno.ENAMETOOLONG);
    poke(task, MEMORY, text('a'.repeat(4095)));
    expect(call(task, { chdir: () => 0 }, 'chdir', MEMORY).result).toBe(0);
  });

  it('reads argv and environment for exec, and leaves the image alone', () => {
    const task = fakeTask();
    poke(task, MEMORY, text('/bin/x'));
    poke(task, MEMORY + 100, text('zero'));
    poke(task, MEMORY + 200, text('A=b'));
    poke(task, MEMORY + 300, words(MEMORY + 100, 0));
    poke(task, MEMORY + 400, words(MEMORY + 200, 0));
    const seen: string[][] = [];
    const execve: TaskSystem['execve'] = (_, _dir, path, argv, env) => {
      seen.push([path, ...argv, ...env].map((bytes) => new TextDecoder().decode(bytes)));
      return 0;
    };
    setCall(task, 'execve', MEMORY, MEMORY + 300, MEMORY + 400);
    expect(personality.onTrap(fakeSystem({ execve }), task, SYSCALL)).toBe(TrapAnswer.LEAVE);
    expect(seen).toEqual([['/bin/x', 'zero', 'A=b']]);
    expect(task.context.readNumber(10)).toBe(MEMORY);
  });
});

describe('scattered buffers', () => {
  it('are one run to the system', () => {
    const task = fakeTask();
    poke(task, MEMORY + 1000, text('abc'));
    poke(task, MEMORY + PAGE_BYTES - 2, text('defg'));
    poke(task, MEMORY, words(MEMORY + 1000, 3, MEMORY + 2000, 0, MEMORY + PAGE_BYTES - 2, 4));
    const write = (_: unknown, _fd: number, io: Io): Reply => {
      const all = new Uint8Array(io.length);
      expect(io.get(0, all)).toBe(7);
      expect(new TextDecoder().decode(all)).toBe('abcdefg');
      const middle = new Uint8Array(3);
      expect(io.get(2, middle)).toBe(3);
      expect(new TextDecoder().decode(middle)).toBe('cde');
      expect(new TextDecoder().decode(io.window(3, false))).toBe('de');
      return io.length;
    };
    expect(call(task, { write }, 'writev', 1, MEMORY, 3).result).toBe(7);
  });

  it('stop at the first bad page', () => {
    const task = fakeTask();
    const read = (_: unknown, _fd: number, io: Io): Reply => io.put(0, new Uint8Array(20).fill(1));
    expect(call(task, { read }, 'read', 0, MEMORY_END - 5, 20).result).toBe(5);
    expect(call(task, { read }, 'read', 0, MEMORY_END, 20).result).toBe(-Errno.EFAULT);
    expect(call(task, { read }, 'read', 0, 2 ** 50, 20).result).toBe(-Errno.EFAULT);
  });

  it('are at most 1,024', () => {
    expect(call(fakeTask(), {}, 'readv', 0, MEMORY, 1025).result).toBe(-Errno.EINVAL);
    expect(call(fakeTask(), {}, 'readv', 0, MEMORY_END - 8, 1).result).toBe(-Errno.EFAULT);
  });
});

describe('large transfers', () => {
  const MIB = 1 << 20;
  const REGULAR = 0o100644;
  /** Answers pieces as they are drawn, and notes what was asked. */
  const pieces = (answers: readonly Reply[], asked: number[]): Partial<TaskSystem> => ({
    writeAt: (_task, _fd, at, io) => answers[asked.push(at, io.length) / 2 - 1]!,
    read: (_task, _fd, io) => answers[asked.push(io.length) - 1]!,
    stat: (task) => {
      task.stat.mode = REGULAR;
      return 0;
    },
  });

  const fifo: TaskSystem['stat'] = (task) => {
    task.stat.mode = 0o010600;
    return 0;
  };

  it('are made in pieces, one an asking, and answered as one', () => {
    const task = fakeTask();
    const asked: number[] = [];
    const system = pieces([MIB, MIB, 5], asked);
    const again = () => call(task, system, 'pwrite64', 3, MEMORY, 2 * MIB + 5, 100);
    expect(again().parked).toEqual({ on: [], until: { sec: 0, nsec: 0 } });
    expect(again().parked).toBeDefined();
    expect(again().result).toBe(2 * MIB + 5);
    expect(asked).toEqual([100, MIB, 100 + MIB, MIB, 100 + 2 * MIB, 5]);
    expect([task.progress, task.callNote]).toEqual([undefined, undefined]);
  });

  it('keep the progress of the piece under way', () => {
    const task = fakeTask();
    const wait = { on: [] };
    const seen: unknown[] = [];
    let answer: Reply = MIB;
    const write = (): Reply => {
      seen.push(task.progress);
      if (typeof answer !== 'number') task.progress = 77;
      return answer;
    };
    const again = () => call(task, { write }, 'write', 3, MEMORY, MIB + 100);
    again();
    answer = wait;
    expect(again().parked).toBe(wait);
    answer = 100;
    expect(again().result).toBe(MIB + 100);
    expect(seen).toEqual([undefined, undefined, 77]);
  });

  it('end where a file ends, and never wait for more from a stream', () => {
    const file = fakeTask();
    const system = pieces([MIB, 10], []);
    expect(call(file, system, 'read', 3, MEMORY, 3 * MIB).parked).toBeDefined();
    expect(call(file, system, 'read', 3, MEMORY, 3 * MIB).result).toBe(MIB + 10);
    const stream = { ...pieces([MIB], []), stat: fifo };
    expect(call(fakeTask(), stream, 'read', 3, MEMORY, 3 * MIB).result).toBe(MIB);
  });

  it('answer what was moved when something goes wrong later', () => {
    const task = fakeTask();
    const system = pieces([MIB, -Errno.ENOSPC], []);
    call(task, system, 'pwrite64', 3, MEMORY, 2 * MIB, 0);
    expect(call(task, system, 'pwrite64', 3, MEMORY, 2 * MIB, 0).result).toBe(MIB);
  });
});

describe('several messages', () => {
  const [HEADERS, VECTOR] = [MEMORY, MEMORY + 512];
  const messages = (task: FakeTask): void => {
    const vector = new BigUint64Array([BigInt(MEMORY + 1024), 100n]);
    poke(task, VECTOR, new Uint8Array(vector.buffer));
    for (let i = 0; i < 3; i++)
      poke(task, HEADERS + 64 * i, new Uint8Array(new BigUint64Array([0n, 0n, BigInt(VECTOR), 1n, 0n, 0n, 0n, 0n]).buffer));
  };
  const lengths = (task: FakeTask) => [0, 1, 2].map((i) => peek(task, HEADERS + 64 * i + 56, 4).getInt32(0, true));

  it.each([
    ['nothing of', undefined, 1, [100, 0, 0]],
    ['a part of', 40, 2, [100, 40, 0]],
  ])('end at a second one that would wait when %s it was taken', (_, taken, result, told) => {
    const task = fakeTask();
    messages(task);
    let asked = 0;
    const send = (): Reply => {
      if (asked++ === 0) return 100;
      task.progress = taken;
      return { on: [] };
    };
    expect(call(task, { send }, 'sendmmsg', 3, HEADERS, 3, 0)).toMatchObject({ result, parked: undefined });
    expect([lengths(task), task.progress]).toEqual([told, undefined]);
  });

  it('wait for the first one', () => {
    const task = fakeTask();
    messages(task);
    const wait = { on: [] };
    expect(call(task, { send: () => wait }, 'sendmmsg', 3, HEADERS, 3, 0).parked).toBe(wait);
  });
});

describe('handing results over', () => {
  it('makes nothing that it could not hand over', () => {
    const task = fakeTask();
    expect(call(task, {}, 'pipe2', MEMORY_END - 4, 0).result).toBe(-Errno.EFAULT);
    expect(call(task, {}, 'epoll_pwait', 3, MEMORY_END - 8, 1, 0, 0, 8).result).toBe(-Errno.EFAULT);
    const made = { pipe: (): number => 0 };
    task.values[0] = 3;
    task.values[1] = 4;
    expect(call(task, made, 'pipe2', MEMORY, 0).result).toBe(0);
    expect([peek(task, MEMORY, 8).getInt32(0, true), peek(task, MEMORY, 8).getInt32(4, true)]).toEqual([3, 4]);
  });

  it('parks on an absent page before anything is done', () => {
    const task = fakeTask();
    task.space.absent.add(MEMORY / PAGE_BYTES);
    expect(call(task, {}, 'pipe2', MEMORY, 0).parked).toEqual({ on: [] });
  });

  it('lists directories as far as the buffer goes', () => {
    const task = fakeTask();
    const readdir: TaskSystem['readdir'] = (_task, _fd, sink) => {
      for (const [index, name] of ['.', '..', 'a long name'].entries()) {
        if (!sink.entry(new TextEncoder().encode(name), 100 + index, 4, index + 1)) return index;
      }
      return 3;
    };
    expect(call(task, { readdir }, 'getdents64', 3, MEMORY, 50).result).toBe(48);
    const record = peek(task, MEMORY + 24, 24);
    expect([record.getBigUint64(0, true), record.getBigUint64(8, true), record.getUint16(16, true), record.getUint8(18)]).toEqual([
      101n,
      2n,
      24,
      4,
    ]);
    expect(record.getUint16(19, true)).toBe(0x2e2e);
    expect(call(task, { readdir }, 'getdents64', 3, MEMORY, 10).result).toBe(-Errno.EINVAL);
    expect(call(task, { readdir }, 'getdents64', 3, MEMORY_END, 100).result).toBe(-Errno.EFAULT);
    expect(call(task, { readdir: () => 0 }, 'getdents64', 3, MEMORY, 100).result).toBe(0);
  });
});

describe('timeouts', () => {
  const clock: TaskSystem['clock'] = (task) => {
    task.values[0] = 100;
    task.values[1] = 999_999_999;
    return 0;
  };

  it('are made deadlines once and kept while the call is parked', () => {
    const task = fakeTask();
    poke(task, MEMORY, words(2, 5));
    const deadlines: (Instant | undefined)[] = [];
    const sleep: TaskSystem['sleep'] = (_task, _clock, until) => {
      deadlines.push({ ...until });
      return { on: [] };
    };
    call(task, { clock, sleep }, 'nanosleep', MEMORY, 0);
    call(task, { sleep }, 'nanosleep', MEMORY, 0);
    expect(deadlines).toEqual([
      { sec: 103, nsec: 4 },
      { sec: 103, nsec: 4 },
    ]);
  });

  it('are refused when they are no times', () => {
    const task = fakeTask();
    poke(task, MEMORY, words(0, 1_000_000_000, -1, 0));
    expect(call(task, {}, 'nanosleep', MEMORY, 0).result).toBe(-Errno.EINVAL);
    expect(call(task, {}, 'nanosleep', MEMORY + 16, 0).result).toBe(-Errno.EINVAL);
    expect(call(task, {}, 'nanosleep', MEMORY_END, 0).result).toBe(-Errno.EFAULT);
  });

  it('of zero ask what is so now', () => {
    const task = fakeTask();
    poke(task, MEMORY, words(0, 0));
    const poll: TaskSystem['poll'] = (_task, _set, count, until) => {
      expect([count, until]).toEqual([0, { sec: 0, nsec: 0 }]);
      return 0;
    };
    expect(call(task, { poll }, 'ppoll', 0, 0, MEMORY, 0, 8).result).toBe(0);
  });
});

describe('a signal that is delivered', () => {
  const delivery = (flags: number, parked: boolean): SignalDelivery => ({
    info: { signal: 10, code: 0, pid: 1, uid: 0, address: 0, status: 0 },
    action: { handler: 0x1_2340, flags, restorer: 0, maskLow: 0, maskHigh: 0 },
    oldMaskLow: 1,
    oldMaskHigh: 2,
    parked,
    altStack: undefined,
  });
  const SA_RESTART = 0x1000_0000;
  const SP = 2;
  const EINTR = -Errno.EINTR;
  const ready = (name: string, ...args: readonly number[]): FakeTask => {
    const task = fakeTask();
    setCall(task, name, ...args);
    task.context.writeNumber(SP, MEMORY_END - 8);
    task.callNote = { sec: 101, nsec: 0 };
    return task;
  };
  /** Where and with what result sigreturn would go on. */
  const saved = (task: FakeTask) => {
    const frame = peek(task, task.context.readUnsigned(SP), 1088);
    return { pc: Number(frame.getBigUint64(304, true)), a0: Number(frame.getBigInt64(304 + 80, true)) };
  };

  it('enters the handler with a frame below the stack pointer', () => {
    const task = ready('getpid');
    expect(personality.deliver(fakeSystem({}), task, delivery(0, false))).toBe(0);
    const { context } = task;
    expect(context.readUnsigned(SP)).toBe(Math.floor((MEMORY_END - 8 - 1088) / 16) * 16);
    expect([context.pc, context.readNumber(10)]).toEqual([0x1_2340, 10]);
    expect([context.readUnsigned(11), context.readUnsigned(12)]).toEqual([context.readUnsigned(SP), context.readUnsigned(SP) + 128]);
    expect(saved(task).pc).toBe(0x1000);
  });

  it.each([
    ['read', SA_RESTART, 'again'],
    ['read', 0, 'EINTR'],
    ['wait4', SA_RESTART, 'again'],
    ['nanosleep', SA_RESTART, 'EINTR'],
    ['ppoll', SA_RESTART, 'EINTR'],
    ['epoll_pwait', SA_RESTART, 'EINTR'],
    ['rt_sigsuspend', SA_RESTART, 'EINTR'],
    ['futex', SA_RESTART, 'again'],
  ] as const)('interrupts %s with flags %d: %s', (name, flags, outcome) => {
    const task = ready(name, 33);
    expect(personality.deliver(fakeSystem({}), task, delivery(flags, true))).toBe(0);
    expect(saved(task)).toEqual(outcome === 'again' ? { pc: 0x1000, a0: 33 } : { pc: 0x1004, a0: EINTR });
    expect([task.progress, task.callNote]).toEqual([undefined, undefined]);
  });

  it('never makes a futex wait with a timeout again', () => {
    const task = ready('futex', MEMORY, 0, 0, MEMORY);
    personality.deliver(fakeSystem({}), task, delivery(SA_RESTART, true));
    expect(saved(task).a0).toBe(EINTR);
  });

  it('tells a sleeper how much is left', () => {
    const task = ready('nanosleep', MEMORY, MEMORY + 16);
    const clock: TaskSystem['clock'] = (each) => {
      each.values[0] = 99;
      each.values[1] = 400_000_000;
      return 0;
    };
    personality.deliver(fakeSystem({ clock }), task, delivery(0, true));
    expect([peek(task, MEMORY + 16, 16).getBigInt64(0, true), peek(task, MEMORY + 16, 16).getBigInt64(8, true)]).toEqual([
      1n,
      600_000_000n,
    ]);
  });

  it('ends a large transfer with what it has moved', () => {
    const task = ready('write');
    task.callNote = 1 << 20;
    task.progress = 5;
    personality.deliver(fakeSystem({}), task, delivery(SA_RESTART, true));
    expect(saved(task)).toEqual({ pc: 0x1004, a0: (1 << 20) + 5 });
  });

  it('uses the alternate stack where asked, and not past its end', () => {
    const SA_ONSTACK = 0x0800_0000;
    const altStack = { base: MEMORY, bytes: 4096 };
    const task = ready('getpid');
    expect(personality.deliver(fakeSystem({}), task, { ...delivery(SA_ONSTACK, false), altStack })).toBe(0);
    expect(task.context.readUnsigned(SP)).toBe(MEMORY + 4096 - 1088);
    const small = ready('getpid');
    const reply = personality.deliver(fakeSystem({}), small, { ...delivery(SA_ONSTACK, false), altStack: { ...altStack, bytes: 1000 } });
    expect([reply, small.context.pc]).toEqual([-Errno.EFAULT, 0x1000]);
  });

  it('changes nothing if its stack is bad', () => {
    const task = ready('read');
    task.context.writeNumber(SP, 64);
    expect(personality.deliver(fakeSystem({}), task, delivery(0, true))).toBe(-Errno.EFAULT);
    expect(task.context.pc).toBe(0x1000);
  });

  it('is returned from with every register as it was', () => {
    const task = ready('getpid');
    for (let index = 3; index < 32; index++) task.context.x[index] = (BigInt(index) * 0x0123_4567_89ab_cdefn) & ((1n << 64n) - 1n);
    task.context.float.fill(7);
    const before = [...task.context.x];
    personality.deliver(fakeSystem({}), task, delivery(0, false));
    const masks: number[] = [];
    const system: Partial<TaskSystem> = {
      signalReturn: (_task, low, high) => masks.push(low, high) - 2,
      signalStack: () => 0,
    };
    task.context.float.fill(0);
    task.context.writeNumber(17, numberOf('rt_sigreturn'));
    expect(personality.onTrap(fakeSystem(system), task, SYSCALL)).toBe(TrapAnswer.RESUME);
    expect([task.context.pc, task.context.x, masks]).toEqual([0x1000, before, [1, 2]]);
    expect(task.context.float.every((byte) => byte === 7)).toBe(true);
  });

  it('whose frame was spoiled ends in SIGSEGV', () => {
    const task = ready('rt_sigreturn');
    const raised: number[] = [];
    const raise: TaskSystem['raise'] = (_task, info) => void raised.push(info.signal);
    expect(personality.onTrap(fakeSystem({ raise }), task, SYSCALL)).toBe(TrapAnswer.LEAVE);
    expect(raised).toEqual([11]);
  });
});

describe('faults', () => {
  it.each([
    ['fault', 'unmapped', 11, 1, 0x77],
    ['fault', 'protection', 11, 2, 0x77],
    ['fault', 'past-end', 7, 2, 0x77],
    ['fault', 'misaligned', 7, 1, 0x1000],
    ['illegal', 'none', 4, 1, 0x77],
    ['breakpoint', 'none', 5, 1, 0x77],
    ['nomemory', 'none', 9, 0x80, 0x77],
  ] as const)('%s (%s) is signal %d with code %d', (cause, reason, signal, code, address) => {
    const task = fakeTask();
    const raise: TaskSystem['raise'] = (_task, info) => expect(info).toMatchObject({ signal, code, address });
    const trap: Trap = { cause, reason, access: 'read', address: 0x77 as GuestAddress };
    expect(personality.onTrap(fakeSystem({ raise }), task, trap)).toBe(TrapAnswer.LEAVE);
  });
});

describe('any call with any arguments', () => {
  /** Operations that may answer a wait. */
  const WAITING: readonly (keyof TaskSystem)[] = [
    ...([
      'clone',
      'execve',
      'wait',
      'signalSuspend',
      'signalTake',
      'openat',
      'close',
      'read',
      'write',
      'readAt',
      'writeAt',
      'copy',
      'seek',
    ] as const),
    ...([
      'truncate',
      'truncatePath',
      'allocate',
      'stat',
      'statat',
      'setAttributes',
      'setAttributesAt',
      'readlinkat',
      'mkdirat',
      'mknodat',
    ] as const),
    ...([
      'symlinkat',
      'linkat',
      'unlinkat',
      'renameat',
      'accessat',
      'readdir',
      'sync',
      'statfs',
      'statfsPath',
      'lock',
      'chdir',
      'chdirTo',
    ] as const),
    ...([
      'currentDirectory',
      'chroot',
      'duplicateTo',
      'poll',
      'epollWait',
      'map',
      'syncMemory',
      'futexWait',
      'sleep',
      'terminalSet',
    ] as const),
    ...(['bind', 'listen', 'accept', 'connect', 'send', 'receive', 'shutdown', 'random'] as const),
  ];
  /** Answers everything with what a test drew: a result or an errno, or a wait where the operation may. */
  const anySystem = (reply: Reply): TaskSystem =>
    new Proxy({} as TaskSystem, {
      get: (_, name) => () => (typeof reply === 'number' || WAITING.includes(name as keyof TaskSystem) ? reply : 0),
    });
  const argument = fc.oneof(
    fc.integer({ min: MEMORY - 64, max: MEMORY_END + 64 }),
    fc.constantFrom(0, 1, 2, 8, -1, -100, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1024, 4096),
    fc.integer(),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(Number),
  );

  it('is answered without an error of the host', () => {
    const bytes = fc.uint8Array({ minLength: 256, maxLength: 256 });
    const reply = fc.oneof(fc.integer({ min: -125, max: 300 }), fc.constant({ on: [] }));
    fc.assert(
      fc.property(
        fc.constantFrom(...SYSCALLS),
        fc.array(argument, { minLength: 6, maxLength: 6 }),
        bytes,
        reply,
        (syscall, args, memory, answer) => {
          const task = fakeTask();
          poke(task, MEMORY, memory);
          setCall(task, syscall.number, ...args);
          const after = personality.onTrap(anySystem(answer as Reply), task, SYSCALL);
          expect([TrapAnswer.RESUME, TrapAnswer.LEAVE]).toContain(after);
          expect(task.space.mappings().length).toBe(1);
        },
      ),
      { numRuns: 5000, seed: 1 },
    );
  });
});
