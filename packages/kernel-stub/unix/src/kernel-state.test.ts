import { Errno } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Bench, MemoryPart } from './testing/bench.ts';
import { type Guest, type Instruction, inTurn, type Program, THREAD } from './testing/scripted.ts';
import { WORD } from './testing/scripted-space.ts';

const fd = (guest: Guest, name: string): number => guest.kept[name] as number;
const say =
  (text: string): Instruction =>
  (guest) =>
    guest.write(1, `${text}${guest.r}\n`);
/** Keeps what a call gives in `values`, which the next call overwrites. */
const both =
  (call: Instruction, ...names: string[]): Instruction =>
  (guest) => {
    const reply = call(guest);
    names.forEach((name, at) => {
      guest.kept[name] = guest.task.values[at] as number;
    });
    return reply;
  };
const USR1 = 10;

/** A bit of everything: a child behind a pipe, a futex, an epoll set over an event counter, a timer, a stopped child, signals, a socket pair. */
const busy: Program = [
  (guest) =>
    guest.system.signalAction(guest.task, USR1, { handler: 99, flags: 0x10000000, restorer: 0, maskLow: 0, maskHigh: 0 }, undefined),
  both((guest) => guest.system.pipe(guest.task, 0), 'r', 'w'),
  () => 0,
  (guest) => guest.fork(),
  (guest) => (guest.r === 0 ? guest.jump(27) : inTurn(guest.keep('child', guest.r), 0)),
  (guest) => guest.system.close(guest.task, fd(guest, 'w')),
  (guest) => guest.read(fd(guest, 'r'), 7),
  (guest) => (guest.r > 0 ? guest.jump(6) : 0),
  (guest) => guest.write(1, `${guest.context.text}\n`),
  both((guest) => guest.system.wait(guest.task, { pid: -1, options: 4 }), 'status'),
  (guest) => guest.write(1, `child ${guest.kept.status}\n`),
  (guest) => guest.fork({ ...THREAD, note: 31 }),
  (guest) => guest.system.futexWait(guest.task, WORD, 0, undefined, -1),
  say('futex '),
  (guest) => guest.system.epollCreate(guest.task, 0),
  (guest) => inTurn(guest.keep('e', guest.r), guest.system.eventCounter(guest.task, 0, 0)),
  (guest) => inTurn(guest.keep('c', guest.r), guest.system.epollControl(guest.task, fd(guest, 'e'), 1, guest.r, 1 | (1 << 31), 5, 6)),
  (guest) => guest.fork({ ...THREAD, note: 34 }),
  (guest) => guest.system.epollWait(guest.task, fd(guest, 'e'), new Int32Array(3), 1, undefined, undefined),
  say('epoll '),
  both((guest) => guest.system.socketPair(guest.task, 1, 1, 0), 's', 't'),
  (guest) => guest.write(fd(guest, 't'), 'socket'),
  (guest) => guest.read(fd(guest, 's'), 3),
  (guest) => guest.read(fd(guest, 's'), 9),
  (guest) => guest.system.sleep(guest.task, 1, { sec: 130, nsec: 0 }),
  (guest) => guest.write(1, `${guest.context.text}\n`),
  (guest) => guest.exit(6),
  // The child: writes in pieces, between signals to itself.
  (guest) => guest.write(fd(guest, 'w'), 'some words'),
  (guest) => guest.system.kill(guest.task, guest.task.group, USR1),
  (guest) => guest.write(fd(guest, 'w'), 'and more'.repeat(20)),
  (guest) => guest.exit(3),
  // A thread that wakes the futex until somebody slept there.
  (guest) => guest.system.futexWake(guest.task, WORD, 1, -1),
  (guest) => (guest.r === 0 ? guest.jump(31) : 0),
  (guest) => inTurn(guest.system.exit(guest.task, 0), undefined),
  // A thread that counts an event.
  (guest) => guest.write(fd(guest, 'c'), '\u0001\0\0\0\0\0\0\0'),
  (guest) => inTurn(guest.system.exit(guest.task, 0), undefined),
];

function start(): Bench {
  const bench = new Bench({ busy });
  bench.personality.handlers.set(USR1, (guest) => void guest.write(1, '<signal>\n'));
  return bench;
}

describe('state', () => {
  const whole = (() => {
    const bench = start();
    return bench.finish(bench.spawn('/bin/busy'));
  })();

  it('of a program with a bit of everything runs to its end', () => {
    expect(whole).toMatchObject({ code: 6, signal: 0 });
    const words = `some words${'and more'.repeat(20)}`;
    expect(whole.stdout).toBe(`<signal>\n${words}\nchild ${3 << 8}\nfutex 0\nepoll 1\n${words}socket\n`);
  });

  it('saved after any instruction and restored elsewhere gives the rest of the output', () => {
    for (let at = 1; at <= whole.used; at++) {
      const before = start();
      const pid = before.spawn('/bin/busy');
      let used = 0;
      while (used < at) {
        const step = before.kernel.step(1);
        if (step instanceof Promise) throw new Error('a scripted CPU answers at once');
        used += step.used;
        if (step.wait?.until !== undefined) before.set(step.wait.until);
      }
      const seen = before.output(pid, 1);
      const part = new MemoryPart();
      expect(before.kernel.save(part)).toBe(0);
      const after = new Bench();
      after.programs.set('busy', busy);
      after.personality.handlers.set(USR1, (guest) => void guest.write(1, '<signal>\n'));
      // The other machine's clock stands elsewhere; the guest's goes on.
      after.set({ sec: 5000, nsec: 7 });
      expect(after.kernel.restore(part)).toBe(0);
      const rest = after.finish(pid);
      expect({ at, text: seen + rest.stdout, code: rest.code }).toEqual({ at, text: whole.stdout, code: 6 });
    }
  });

  it('keeps an open fifo with what it holds and where it lies', () => {
    const path = new TextEncoder().encode('/fifo');
    const named: Program = [
      (guest) => guest.system.mknodat(guest.task, -100, path, 0o010640, 0),
      (guest) => guest.keep('c', guest.system.openat(guest.task, -100, path, 2, 0) as number),
      (guest) => guest.write(fd(guest, 'c'), 'held '),
      (guest) => guest.keep('d', guest.system.openat(guest.task, -100, path, 0, 0) as number),
      (guest) => guest.read(fd(guest, 'd'), 5),
      (guest) => {
        expect(guest.system.stat(guest.task, fd(guest, 'd'))).toBe(0);
        return guest.write(1, `${guest.context.text}${guest.task.stat.mode.toString(8)}`);
      },
      (guest) => guest.exit(0),
    ];
    for (let at = 1; at < named.length; at++) {
      const before = new Bench({ named });
      const pid = before.spawn('/bin/named');
      for (let used = 0; used < at; ) {
        const step = before.kernel.step(1);
        if (step instanceof Promise) throw new Error('a scripted CPU answers at once');
        used += step.used;
      }
      const seen = before.output(pid, 1);
      const part = new MemoryPart();
      expect(before.kernel.save(part)).toBe(0);
      const after = new Bench();
      after.programs.set('named', named);
      expect(after.kernel.restore(part)).toBe(0);
      expect({ at, text: seen + after.finish(pid).stdout }).toEqual({ at, text: 'held 10640' });
    }
  });

  it('of another version or without its personality is refused', () => {
    const before = start();
    before.spawn('/bin/busy');
    const part = new MemoryPart();
    before.kernel.save(part);
    const other = new Bench();
    other.kernel.install([]);
    expect(other.kernel.restore(part)).toBe(-Errno.EINVAL);
    const old = new MemoryPart();
    old.put('version', 0);
    expect(new Bench().kernel.restore(old)).toBe(-Errno.EINVAL);
  });
});
