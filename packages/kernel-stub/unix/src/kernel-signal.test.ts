import { describe, expect, it } from 'vitest';
import { Bench, named } from './testing/bench.ts';
import { type Guest, type Instruction, inTurn, type Program, THREAD } from './testing/scripted.ts';

const SA_RESTART = 0x10000000;
const SA_NODEFER = 0x40000000;
const SA_RESETHAND = -0x80000000;
const SA_NOCLDWAIT = 2;
const [INT, USR1, USR2, PIPE, ALRM, CHLD, RT] = [2, 10, 12, 13, 14, 17, 34];
const bit = (signal: number): number => (1 << (signal - 1)) >>> 0;

/** Sets a handler, which the bench's personality runs; 0 default, 1 ignore. */
const on =
  (signal: number, flags = 0, handler = 99, mask = 0): Instruction =>
  (guest) =>
    guest.system.signalAction(guest.task, signal, { handler, flags, restorer: 0, maskLow: mask, maskHigh: 0 }, undefined);
const raise =
  (signal: number): Instruction =>
  (guest) =>
    guest.system.kill(guest.task, guest.task.group, signal);
const block =
  (how: number, low: number, high = 0): Instruction =>
  (guest) =>
    guest.system.signalMask(guest.task, how, low, high);
const say =
  (text: (guest: Guest) => string): Instruction =>
  (guest) =>
    guest.write(1, text(guest));
const exit =
  (code: number): Instruction =>
  (guest) =>
    guest.exit(code);

function bench(program: Program, more: Readonly<Record<string, Program>> = {}): Bench {
  const made = new Bench({ program, ...more });
  for (const signal of [INT, USR1, USR2, PIPE, ALRM, CHLD, RT]) {
    made.personality.handlers.set(signal, (guest) => void guest.write(1, `<${signal}>`));
  }
  return made;
}
const output = (program: Program): string => bench(program).run('/bin/program').stdout;

describe('signals', () => {
  it('end a process that does not handle them, with their number as its status', () => {
    expect(bench([raise(USR1), exit(0)]).run('/bin/program')).toMatchObject({ signal: USR1 });
  });

  it('run a handler before the next instruction of the program', () => {
    expect(output([on(USR1), raise(USR1), say(() => 'after'), exit(0)])).toBe('<10>after');
  });

  it('do nothing when ignored, also those whose default is to be', () => {
    expect(output([on(USR1, 0, 1), raise(USR1), raise(CHLD), say(() => 'alive'), exit(0)])).toBe('alive');
  });

  it('wait while blocked; standard ones merge, real-time ones queue; the lowest number comes first', () => {
    const program = [
      on(USR1),
      on(USR2),
      on(RT),
      block(0, bit(USR1) | bit(USR2), 2),
      raise(RT),
      raise(RT),
      raise(USR2),
      raise(USR1),
      raise(USR1),
      (guest: Guest) => guest.system.signalPending(guest.task),
      say((guest) => `${guest.task.values[0]} ${guest.task.values[1]} `),
      block(2, 0),
      exit(0),
    ];
    // Handlers are entered lowest first, each interrupted by the next before its first instruction.
    expect(output(program)).toBe(`${bit(USR1) + bit(USR2)} 2 <34><34><12><10>`);
  });

  it('cannot be blocked if they are SIGKILL', () => {
    expect(bench([block(0, 0xffffffff, 0xffffffff), raise(9), exit(0)]).run('/bin/program')).toMatchObject({ signal: 9 });
  });

  it('go back to the default with SA_RESETHAND', () => {
    expect(bench([on(USR1, SA_RESETHAND), raise(USR1), raise(USR1), exit(0)]).run('/bin/program')).toMatchObject({
      stdout: '<10>',
      signal: USR1,
    });
  });

  it('are blocked while their handler runs, unless SA_NODEFER', () => {
    const masks: number[] = [];
    for (const flags of [0, SA_NODEFER]) {
      const made = bench([on(USR1, flags, 99, bit(INT)), raise(USR1), exit(0)]);
      made.personality.handlers.set(USR1, (guest) => {
        guest.system.signalMask(guest.task, -1, 0, 0);
        masks.push(guest.task.values[0] as number);
      });
      made.run('/bin/program');
    }
    expect(masks).toEqual([bit(USR1) | bit(INT), bit(INT)]);
  });

  it('cut a waiting call short with EINTR, or let it begin anew with SA_RESTART', () => {
    const reader = (flags: number): Program => [
      on(USR1, flags),
      (guest) => guest.read(0, 10),
      say((guest) => `${named(guest.r)} ${guest.context.text}`),
      exit(0),
    ];
    for (const [flags, expected] of [
      [0, '<10>-EINTR '],
      [SA_RESTART, '<10>4 data'],
    ] as const) {
      const made = bench(reader(flags));
      const pid = made.spawn('/bin/program');
      made.settle();
      made.kernel.system.signal(pid, USR1, false);
      made.settle();
      made.kernel.system.stdio(pid, 0)?.write(new TextEncoder().encode('data'));
      expect(made.finish(pid).stdout).toBe(expected);
    }
  });

  it('let a write that moved something answer with that', () => {
    const text = 'x'.repeat(100_000);
    const made = bench([on(USR1), (guest) => guest.write(2, text), say((guest) => `${guest.r}`), exit(0)]);
    const pid = made.spawn('/bin/program');
    made.settle();
    made.kernel.system.signal(pid, USR1, false);
    made.settle();
    expect(made.output(pid, 1)).toBe('<10>65536');
  });

  it('wake sigsuspend, whose mask goes back after the handler', () => {
    const program: Program = [
      on(USR1),
      block(0, bit(USR1)),
      raise(USR1),
      (guest) => guest.system.signalSuspend(guest.task, 0, 0),
      say((guest) => named(guest.r)),
      raise(USR1),
      block(-1, 0),
      say((guest) => ` ${guest.task.values[0] === bit(USR1)}`),
      exit(0),
    ];
    expect(output(program)).toBe('<10>-EINTR true');
  });

  it('are taken by sigtimedwait without a handler, or not before its deadline', () => {
    const take = (guest: Guest) => guest.system.signalTake(guest.task, bit(USR1), 0, { sec: 101, nsec: 0 });
    const program: Program = [
      block(0, bit(USR1)),
      take,
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.system.kill(guest.task, guest.task.group, USR1, { code: -1, value: 4711 }),
      take,
      say((guest) => `${guest.r} ${guest.task.values[0]} ${guest.task.values[4]}`),
      exit(0),
    ];
    expect(output(program)).toBe('-EAGAIN 10 -1 4711');
  });

  it('reach a whole group, and nobody else', () => {
    const program: Program = [
      (guest) => guest.fork(),
      (guest) => (guest.r === 0 ? guest.jump(6) : inTurn(guest.keep('child', guest.r), 0)),
      (guest) => guest.system.setProcessGroup(guest.task, guest.kept.child as number, guest.kept.child as number),
      (guest) => guest.system.kill(guest.task, -(guest.kept.child as number), USR1),
      (guest) => guest.system.wait(guest.task, { pid: -1, options: 4 }),
      (guest) => inTurn(guest.write(1, `${guest.task.values[0]}`), guest.exit(0)),
      (guest) => guest.system.signalSuspend(guest.task, 0, 0),
    ];
    expect(output(program)).toBe(`${USR1}`);
  });

  it('tell of a child, unless the parent does not want to know: then it leaves no zombie', () => {
    const program = (flags: number): Program => [
      on(CHLD, flags),
      (guest) => guest.fork(),
      (guest) => (guest.r === 0 ? guest.jump(5) : 0),
      (guest) => guest.system.wait(guest.task, { pid: -1, options: 4 }),
      (guest) => inTurn(guest.write(1, ` ${guest.r > 1 ? 'reaped' : named(guest.r)}`), guest.exit(0)),
      exit(0),
    ];
    expect(output(program(SA_RESTART))).toBe('<17> reaped');
    expect(output(program(SA_RESTART | SA_NOCLDWAIT))).toBe('<17> -ECHILD');
  });

  it('of a broken pipe come with EPIPE', () => {
    const program: Program = [
      on(PIPE),
      (guest) => guest.system.pipe(guest.task, 0),
      (guest) => inTurn(guest.keep('w', guest.task.values[1] as number), guest.system.close(guest.task, guest.task.values[0] as number)),
      (guest) => guest.write(guest.kept.w as number, 'x'),
      say((guest) => named(guest.r)),
      exit(0),
    ];
    expect(output(program)).toBe('<13>-EPIPE');
  });

  it('come from the interval timer once however late it is, and again at its next period', () => {
    const program: Program = [
      on(ALRM),
      (guest) => guest.system.intervalTimer(guest.task, { value: { sec: 1, nsec: 0 }, interval: { sec: 10, nsec: 0 } }),
      (guest) => guest.system.signalSuspend(guest.task, 0, 0),
      (guest) => guest.system.intervalTimer(guest.task, undefined),
      say((guest) => ` left ${guest.task.values[0]} `),
      (guest) => guest.system.signalSuspend(guest.task, 0, 0),
      exit(0),
    ];
    const made = bench(program);
    const pid = made.spawn('/bin/program');
    made.settle();
    made.set({ sec: 106, nsec: 0 });
    made.settle();
    expect(made.output(pid, 1)).toBe('<14> left 5 ');
    expect(made.finish(pid)).toMatchObject({ stdout: '<14>' });
    expect(made.now.sec).toBe(111);
  });

  it('that a thread raises itself cannot be ignored', () => {
    const fault = { signal: 11, code: 1, pid: 0, uid: 0, address: 8, status: 0 };
    const program: Program = [on(11, 0, 1), (guest) => inTurn(guest.system.raise(guest.task, fault), 0), exit(0)];
    expect(bench(program).run('/bin/program')).toMatchObject({ signal: 11 });
  });

  it('to a process go to a thread that does not block them', () => {
    const program: Program = [
      on(USR1),
      block(0, bit(USR1)),
      (guest) => guest.fork({ ...THREAD, note: 6 }),
      (guest) => guest.system.yield(guest.task),
      raise(USR1),
      (guest) => guest.system.signalSuspend(guest.task, bit(USR1), 0),
      block(1, bit(USR1)),
      (guest) => guest.system.signalSuspend(guest.task, 0, 0),
      say((guest) => (guest.task.id === guest.task.group ? ' first' : ' second')),
      exit(0),
    ];
    expect(output(program)).toBe('<10> second');
  });
});
