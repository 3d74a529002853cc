import { describe, expect, it } from 'vitest';
import { Bench, named } from './testing/bench.ts';
import { type Guest, inTurn, type Program, THREAD } from './testing/scripted.ts';
import { WORD } from './testing/scripted-space.ts';

const WAIT_ANY = { pid: -1, options: 4 };
const NOHANG = 1;
const UNTRACED = 2;
const CONTINUED = 8;

const exit =
  (code: number) =>
  (guest: Guest): undefined =>
    guest.exit(code);
const say =
  (text: string | ((guest: Guest) => string)) =>
  (guest: Guest): ReturnType<Guest['write']> =>
    guest.write(1, typeof text === 'string' ? text : text(guest));
/** Goes to instruction `to` in a child that fork just made. */
const childTo =
  (to: number) =>
  (guest: Guest): number =>
    guest.r === 0 ? guest.jump(to) : guest.r;

describe('processes', () => {
  it('runs a program of the operator to its exit status', () => {
    const bench = new Bench({ hello: [say('hello\n'), exit(7)] });
    expect(bench.run('/bin/hello')).toMatchObject({ code: 7, signal: 0, stdout: 'hello\n' });
  });

  it('answers the same pid when a spawn is asked again, and an errno for what cannot be started', () => {
    const bench = new Bench({ hello: [exit(0)] });
    const spec = { argv: ['/bin/hello'], env: {}, cwd: '/', tty: false };
    const { system } = bench.kernel;
    expect(system.spawn(900, spec)).toBe(system.spawn(900, spec));
    expect(bench.kernel.core.tasks.size).toBe(1);
    bench.file('/tmp/text', 'neither script nor program');
    bench.file('/tmp/run', 'neither script nor program', 0o755);
    expect(named(bench.spawn('/tmp/nothing'))).toBe('-ENOENT');
    expect(named(bench.spawn('/tmp/text'))).toBe('-EACCES');
    expect(named(bench.spawn('/tmp/run'))).toBe('-ENOEXEC');
  });

  it('finds names without a slash along PATH', () => {
    const bench = new Bench({ hello: [exit(3)] });
    const pid = bench.kernel.system.spawn(1, { argv: ['hello'], env: { PATH: '/nowhere:/bin' }, cwd: '/', tty: false });
    expect(bench.finish(pid as number).code).toBe(3);
  });

  it('forks; the parent waits for the child and learns its status once', () => {
    const program: Program = [
      (guest) => guest.fork(),
      childTo(6),
      (guest) => guest.system.wait(guest.task, WAIT_ANY),
      say((guest) => `status ${guest.task.values[0]} of a child ${guest.r > 1}\n`),
      (guest) => guest.system.wait(guest.task, WAIT_ANY),
      (guest) => inTurn(guest.write(1, `then ${named(guest.r)}\n`), guest.exit(0)),
      exit(5),
    ];
    expect(new Bench({ program }).run('/bin/program').stdout).toBe(`status ${5 << 8} of a child true\nthen -ECHILD\n`);
  });

  it('does not wait with WNOHANG, and can look at a zombie without reaping it', () => {
    const program: Program = [
      (guest) => guest.fork(),
      childTo(8),
      (guest) => guest.system.wait(guest.task, { pid: -1, options: 4 | NOHANG }),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.system.wait(guest.task, { pid: -1, options: 4 | 0x1000000 }),
      (guest) => guest.system.wait(guest.task, { pid: guest.r, options: 4 }),
      (guest) => inTurn(guest.write(1, `${guest.r > 1}`), guest.exit(0)),
      exit(0),
    ];
    expect(new Bench({ program }).run('/bin/program').stdout).toBe('0 true');
  });

  it('stops and continues a child, and tells its parent', () => {
    const program: Program = [
      (guest) => guest.fork(),
      childTo(9),
      (guest) => inTurn(guest.keep('child', guest.r), guest.system.wait(guest.task, { pid: -1, options: 4 | UNTRACED })),
      say((guest) => `${(guest.task.values[0] as number).toString(16)} `),
      (guest) => guest.system.kill(guest.task, guest.kept.child as number, 18),
      (guest) => guest.system.wait(guest.task, { pid: -1, options: 4 | CONTINUED }),
      say((guest) => `${(guest.task.values[0] as number).toString(16)} `),
      (guest) => guest.system.wait(guest.task, WAIT_ANY),
      (guest) => inTurn(guest.write(1, `${guest.task.values[0]}`), guest.exit(0)),
      (guest) => guest.system.kill(guest.task, guest.task.group, 19),
      exit(4),
    ];
    expect(new Bench({ program }).run('/bin/program').stdout).toBe(`137f ffff ${4 << 8}`);
  });

  it('gives orphans to init, which reaps them', () => {
    const program: Program = [
      (guest) => guest.fork(),
      childTo(3),
      (guest) => guest.exit(0),
      // The child: waits until its parent is another one.
      (guest) => guest.system.yield(guest.task),
      (guest) => (guest.system.parentId(guest.task) === 1 ? 0 : guest.jump(3)),
      (guest) => inTurn(guest.write(1, 'adopted'), guest.exit(0)),
    ];
    const bench = new Bench({ program });
    const pid = bench.spawn('/bin/program');
    bench.settle();
    expect(bench.output(pid, 1)).toBe('adopted');
    bench.kernel.system.release(pid);
    expect([...bench.kernel.core.processes.keys()]).toEqual([1]);
  });

  it('lets a vfork parent go on only after the child executes', () => {
    const program: Program = [
      (guest) => guest.fork({ shareMemory: true, vfork: true }),
      childTo(3),
      (guest) => inTurn(guest.write(1, 'parent '), guest.exit(0)),
      say('child '),
      (guest) => guest.exec('/bin/other'),
    ];
    const bench = new Bench({ program, other: [exit(0)] });
    expect(bench.run('/bin/program').stdout).toBe('child parent ');
  });

  it('executes: descriptors marked go, threads end, and a failure leaves all as it was', () => {
    const program: Program = [
      (guest) => guest.exec('/bin/nothing'),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.system.duplicateTo(guest.task, 1, 5, true),
      (guest) => guest.system.duplicateTo(guest.task, 1, 6, false),
      (guest) => guest.fork({ ...THREAD, note: 6 }),
      (guest) => guest.exec('/bin/other'),
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.jump(6),
    ];
    const other: Program = [
      (guest) => guest.write(5, 'x'),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.write(6, 'kept'),
      (guest) => guest.exit(guest.task.id === guest.task.group ? 0 : 1),
    ];
    const bench = new Bench({ program, other });
    expect(bench.run('/bin/program')).toMatchObject({ stdout: '-ENOENT -EBADF kept', code: 0 });
    expect(bench.kernel.core.tasks.size).toBe(0);
  });

  it('executes scripts by their interpreter line', () => {
    const bench = new Bench({ show: [(guest) => inTurn(guest.write(1, guest.context.argv.join('|')), guest.exit(0))] });
    bench.file('/tmp/script', '#! /bin/show  one two\nrest', 0o755);
    expect(bench.run('/tmp/script', 'a').stdout).toBe('/bin/show|one two|/tmp/script|a');
    bench.file('/tmp/loop', '#!/tmp/loop\n', 0o755);
    expect(named(bench.spawn('/tmp/loop'))).toBe('-ELOOP');
  });

  it('refuses arguments past the limit', () => {
    const bench = new Bench({ show: [exit(0)] });
    expect(named(bench.spawn('/bin/show', 'x'.repeat(200_000)))).toBe('-E2BIG');
    expect(named(bench.spawn('/bin/show', ...Array.from({ length: 30 }, () => 'x'.repeat(100_000))))).toBe('-E2BIG');
  });

  it('clears and wakes the thread id word when a thread ends', () => {
    const program: Program = [
      (guest) => guest.task.space.store32(WORD, 1),
      (guest) => guest.fork({ ...THREAD, clearTidAt: WORD, note: 4 }),
      (guest) => guest.system.futexWait(guest.task, WORD, 1, undefined, -1),
      (guest) => guest.exit(guest.task.space.load32(WORD) === 0 ? 0 : 1),
      (guest) => inTurn(guest.system.exit(guest.task, 9), undefined),
    ];
    expect(new Bench({ program }).run('/bin/program')).toMatchObject({ code: 0, signal: 0 });
  });

  it('refuses more tasks than the limit with EAGAIN', () => {
    const program: Program = [
      (guest) => guest.fork(),
      (guest) => (guest.r < 0 ? guest.jump(3) : guest.jump(0)),
      exit(1),
      (guest) => {
        guest.write(1, named(guest.r));
        return guest.system.kill(guest.task, 0, 9);
      },
    ];
    const bench = new Bench({ program });
    const pid = bench.spawn('/bin/program');
    expect(bench.finish(pid, 100_000)).toMatchObject({ signal: 9 });
    expect(bench.kernel.core.tasks.size).toBeLessThanOrEqual(4096);
  });
});

describe('steps', () => {
  const spin: Program = [(guest) => guest.jump(0)];

  it('never retire more than their budget, and exactly that while somebody spins', () => {
    const bench = new Bench({ spin });
    bench.spawn('/bin/spin');
    bench.spawn('/bin/spin');
    for (const budget of [1, 7, 1000, 123_456]) expect(bench.kernel.step(budget)).toEqual({ used: budget, wait: undefined });
  });

  it('take turns that do not depend on how steps are cut', () => {
    const trace = (budget: number): string => {
      const marks: string[] = [];
      const mark = (name: string): Program => [
        (guest) => guest.jump(guest.context.retired % 10_000 === 0 ? 1 : 0),
        () => inTurn(marks.push(name), 0),
        (guest) => guest.jump(0),
      ];
      const bench = new Bench({ a: mark('a'), b: mark('b') });
      bench.spawn('/bin/a');
      bench.spawn('/bin/b');
      for (let used = 0; used < 400_000; used += budget) bench.kernel.step(Math.min(budget, 400_000 - used));
      return marks.join('');
    };
    expect(trace(1_000)).toBe(trace(400_000));
    expect(trace(33_333)).toBe(trace(400_000));
  });

  it('wait for the earliest deadline when all sleep', () => {
    const sleep = (sec: number): Program => [(guest) => guest.system.sleep(guest.task, 1, { sec, nsec: 5 }), exit(0)];
    const bench = new Bench({ late: sleep(300), early: sleep(200) });
    const late = bench.spawn('/bin/late');
    const early = bench.spawn('/bin/early');
    bench.settle();
    expect(bench.deadline()).toEqual({ sec: 200, nsec: 5 });
    bench.set({ sec: 200, nsec: 4 });
    expect(bench.settle()).toBe(0);
    expect(bench.finish(early)).toMatchObject({ code: 0 });
    expect(bench.deadline()).toEqual({ sec: 300, nsec: 5 });
    expect(bench.finish(late)).toMatchObject({ code: 0 });
  });

  it('stop ends everything', () => {
    const bench = new Bench({ spin });
    const pid = bench.spawn('/bin/spin');
    bench.kernel.step(10);
    expect(bench.kernel.stop()).toBe(0);
    expect(bench.kernel.core.tasks.size).toBe(0);
    const status = { code: 0, signal: 0 };
    expect(bench.kernel.system.wait(pid, status)).toBe(0);
    expect(status.signal).toBe(9);
  });
});
