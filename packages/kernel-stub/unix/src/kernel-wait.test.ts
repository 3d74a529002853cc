import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bench, named } from './testing/bench.ts';
import { type Guest, type Instruction, inTurn, type Program, THREAD } from './testing/scripted.ts';
import { WORD } from './testing/scripted-space.ts';

const say =
  (text: (guest: Guest) => string): Instruction =>
  (guest) =>
    guest.write(1, text(guest));
const exit: Instruction = (guest) => guest.exit(0);
const output = (program: Program): string => new Bench({ program }).run('/bin/program').stdout;
const keep =
  (...names: string[]): Instruction =>
  (guest) => {
    names.forEach((name, at) => {
      guest.kept[name] = guest.task.values[at] as number;
    });
    return 0;
  };
const fd = (guest: Guest, name: string): number => guest.kept[name] as number;
const IN = 1;
const OUT = 4;
const ERR = 8;
const HUP = 16;
const EDGE = 1 << 31;
const ONESHOT = 1 << 30;
const NONBLOCK = 0o4000;

describe('pipes', () => {
  it('carry every byte in order whatever the sizes of writes and reads', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 70_000 }),
        (sizes, most) => {
          const texts = sizes.map((size, at) => String.fromCharCode(97 + at).repeat(size));
          const program: Program = [
            (guest) => guest.system.pipe(guest.task, 0),
            keep('r', 'w'),
            (guest) => guest.fork(),
            (guest) => (guest.r === 0 ? guest.jump(4 + texts.length + 1) : 0),
            ...texts.map(
              (text): Instruction =>
                (guest) =>
                  guest.write(fd(guest, 'w'), text),
            ),
            exit,
            (guest) => guest.system.close(guest.task, fd(guest, 'w')),
            (guest) => guest.read(fd(guest, 'r'), most),
            (guest) => (guest.r > 0 ? guest.jump(4 + texts.length + 2) : guest.write(1, guest.context.text)),
            exit,
          ];
          const bench = new Bench({ program });
          const pid = bench.spawn('/bin/program');
          let seen = bench.finish(pid).stdout;
          bench.settle();
          seen += bench.output(pid, 1);
          expect(seen === texts.join('')).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('are all or nothing up to 4,096 bytes, and never block when told so', () => {
    const program: Program = [
      (guest) => guest.system.pipe(guest.task, NONBLOCK),
      keep('r', 'w'),
      (guest) => guest.read(fd(guest, 'r'), 1),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.write(fd(guest, 'w'), 'x'.repeat(70_000)),
      say((guest) => `${guest.r} `),
      (guest) => guest.read(fd(guest, 'r'), 100),
      (guest) => guest.write(fd(guest, 'w'), 'x'.repeat(101)),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.write(fd(guest, 'w'), 'x'.repeat(5000)),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.available(guest.task, fd(guest, 'r')),
      say((guest) => `${guest.r}`),
      exit,
    ];
    expect(output(program)).toBe('-EAGAIN 65536 -EAGAIN 100 65536');
  });

  it('take a file from copy whole and once, though pieces of it wait for room', () => {
    const text = Array.from({ length: 40_000 }, (_, at) => `${at} `).join('');
    let seen = '';
    const program: Program = [
      (guest) => guest.keep('in', guest.system.openat(guest.task, -100, new TextEncoder().encode('/in'), 0, 0) as number),
      (guest) => guest.system.pipe(guest.task, 0),
      keep('r', 'w'),
      (guest) => guest.fork(),
      (guest) => (guest.r === 0 ? 0 : guest.jump(8)),
      (guest) => guest.system.copy(guest.task, fd(guest, 'in'), -1, fd(guest, 'w'), -1, 2 ** 20),
      say((guest) => String(guest.r)),
      exit,
      (guest) => guest.system.close(guest.task, fd(guest, 'w')),
      (guest) => guest.read(fd(guest, 'r'), 1000),
      (guest) => {
        seen = guest.context.text;
        return guest.r > 0 ? guest.jump(9) : 0;
      },
      exit,
    ];
    const bench = new Bench({ program });
    bench.file('/in', text);
    expect(bench.run('/bin/program').stdout).toBe(String(text.length));
    expect(seen === text).toBe(true);
  });

  it('that are full end a copy into them with what they took when a signal comes', () => {
    const ALRM = 14;
    const program: Program = [
      (guest) => guest.keep('in', guest.system.openat(guest.task, -100, new TextEncoder().encode('/in'), 0, 0) as number),
      (guest) => guest.system.pipe(guest.task, 0),
      keep('r', 'w'),
      (guest) => guest.system.signalAction(guest.task, ALRM, { handler: 99, flags: 0, restorer: 0, maskLow: 0, maskHigh: 0 }, undefined),
      (guest) => guest.system.intervalTimer(guest.task, { value: { sec: 1, nsec: 0 }, interval: { sec: 0, nsec: 0 } }),
      (guest) => guest.system.copy(guest.task, fd(guest, 'in'), -1, fd(guest, 'w'), -1, 100_000),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.seek(guest.task, fd(guest, 'in'), 0, 1),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.available(guest.task, fd(guest, 'r')),
      say((guest) => `${guest.r}`),
      exit,
    ];
    const bench = new Bench({ program });
    bench.personality.handlers.set(ALRM, (guest) => void guest.write(1, '<signal> '));
    bench.file('/in', 'x'.repeat(100_000));
    expect(bench.run('/bin/program').stdout).toBe('<signal> 65536 65536 65536');
  });

  it('with a name have the attributes and the name of their node while they are open', () => {
    const path = new TextEncoder().encode('/fifo');
    const node = (guest: Guest): string => {
      const { stat } = guest.task;
      return `${stat.device}:${stat.node} ${stat.mode.toString(8)} ${stat.links}\n`;
    };
    const program: Program = [
      (guest) => guest.system.mknodat(guest.task, -100, path, 0o010640, 0),
      (guest) => guest.keep('fd', guest.system.openat(guest.task, -100, path, NONBLOCK, 0) as number),
      (guest) => guest.system.statat(guest.task, -100, path, 0),
      say(node),
      (guest) => guest.system.stat(guest.task, fd(guest, 'fd')),
      say(node),
      (guest) => guest.system.setAttributes(guest.task, fd(guest, 'fd'), { mode: 0o600 }),
      (guest) => guest.system.statat(guest.task, -100, path, 0),
      say(node),
      (guest) => guest.system.statfs(guest.task, fd(guest, 'fd')),
      say((guest) => `${guest.r}\n`),
      (guest) => guest.system.unlinkat(guest.task, -100, path, 0),
      (guest) => guest.system.readlinkat(guest.task, -100, new TextEncoder().encode(`/proc/self/fd/${fd(guest, 'fd')}`)),
      say((guest) => `${new TextDecoder().decode(guest.task.bytes.subarray(0, guest.r))}\n`),
      exit,
    ];
    const lines = output(program).split('\n');
    expect(lines[0]).toMatch(/ 10640 1$/);
    expect(lines[1]).toBe(lines[0]);
    expect(lines.slice(2, 5)).toEqual([(lines[0] as string).replace('10640', '10600'), '0', '/fifo (deleted)']);
  });

  it('end for readers when the last writer closed', () => {
    const program: Program = [
      (guest) => guest.system.pipe(guest.task, 0),
      keep('r', 'w'),
      (guest) => guest.write(fd(guest, 'w'), 'rest'),
      (guest) => guest.system.close(guest.task, fd(guest, 'w')),
      (guest) => guest.read(fd(guest, 'r'), 10),
      (guest) => guest.read(fd(guest, 'r'), 10),
      say((guest) => `${guest.context.text} ${guest.r}`),
      exit,
    ];
    expect(output(program)).toBe('rest 0');
  });
});

describe('descriptors', () => {
  it('are the lowest free ones, and duplicates share position and flags', () => {
    const program: Program = [
      (guest) => guest.system.duplicate(guest.task, 1, 0, false),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.duplicate(guest.task, 1, 10, true),
      (guest) => guest.system.descriptorFlags(guest.task, guest.r, -1),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.close(guest.task, 0),
      (guest) => guest.system.duplicate(guest.task, 1, 0, false),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.statusFlags(guest.task, 3, NONBLOCK),
      (guest) => guest.system.statusFlags(guest.task, 1, -1),
      say((guest) => `${(guest.r & NONBLOCK) !== 0} `),
      (guest) => guest.system.duplicateTo(guest.task, 99, 5, false),
      say((guest) => `${named(guest.r)}`),
      exit,
    ];
    expect(output(program)).toBe('3 1 0 true -EBADF');
  });

  it('are refused past RLIMIT_NOFILE', () => {
    const program: Program = [
      (guest) => guest.system.resourceLimit(guest.task, 0, 7, { soft: 5, hard: 4096 }),
      (guest) => guest.system.duplicate(guest.task, 1, 0, false),
      (guest) => guest.system.pipe(guest.task, 0),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.system.duplicate(guest.task, 1, 0, false),
      say((guest) => `${guest.r}`),
      exit,
    ];
    expect(output(program)).toBe('-EMFILE 4');
  });
});

describe('poll', () => {
  it('says what holds now, and waits until something does or time is over', () => {
    const set = new Int32Array(9);
    const ask =
      (until: number): Instruction =>
      (guest) => {
        set.set([fd(guest, 'r'), IN, 0, fd(guest, 'w'), OUT, 0, 77, IN, 0]);
        return guest.system.poll(guest.task, set, 2, { sec: until, nsec: 0 }, undefined);
      };
    const program: Program = [
      (guest) => guest.system.pipe(guest.task, 0),
      keep('r', 'w'),
      ask(0),
      say((guest) => `${guest.r}:${set[2]},${set[5]} `),
      (guest) => guest.write(fd(guest, 'w'), 'x'),
      ask(0),
      say((guest) => `${guest.r}:${set[2]},${set[5]} `),
      (guest) => guest.system.close(guest.task, fd(guest, 'w')),
      ask(0),
      say((guest) => `${guest.r}:${set[2]},${set[5]} `),
      (guest) => guest.system.poll(guest.task, set.subarray(3), 0, { sec: 105, nsec: 0 }, undefined),
      say((guest) => `${guest.r}`),
      exit,
    ];
    const bench = new Bench({ program });
    expect(bench.run('/bin/program').stdout).toBe(`1:0,${OUT} 2:${IN},${OUT} 2:${IN | HUP},32 0`);
    expect(bench.now.sec).toBe(105);
  });

  it('wakes for a writer whose readers went away', () => {
    const set = new Int32Array(3);
    const program: Program = [
      (guest) => guest.system.pipe(guest.task, 0),
      keep('r', 'w'),
      (guest) => guest.system.close(guest.task, fd(guest, 'r')),
      (guest) => {
        set.set([fd(guest, 'w'), 0, 0]);
        return guest.system.poll(guest.task, set, 1, undefined, undefined);
      },
      say((guest) => `${guest.r} ${(set[2] as number) & ERR}`),
      exit,
    ];
    expect(output(program)).toBe(`1 ${ERR}`);
  });
});

describe('epoll', () => {
  const out = new Int32Array(12);
  const wait: Instruction = (guest) => guest.system.epollWait(guest.task, fd(guest, 'e'), out, 4, { sec: 0, nsec: 0 }, undefined);
  const open: Program = [
    (guest) => guest.system.pipe(guest.task, 0),
    keep('r', 'w'),
    (guest) => guest.system.epollCreate(guest.task, 0),
    (guest) => inTurn(guest.keep('e', guest.r), 0),
  ];
  const control =
    (operation: number, name: string, events: number): Instruction =>
    (guest) =>
      guest.system.epollControl(guest.task, fd(guest, 'e'), operation, fd(guest, name), events, 7, 8);
  const put: Instruction = (guest) => guest.write(fd(guest, 'w'), 'x');
  const count = say((guest) => `${guest.r} `);

  it('reports a level each time, with its data', () => {
    const program = [...open, control(1, 'r', IN), put, wait, count, wait, say((guest) => `${guest.r} ${[...out.subarray(0, 3)]}`), exit];
    expect(output(program)).toBe('1 1 1,7,8');
  });

  it('reports an edge once until there is another', () => {
    const program = [...open, control(1, 'r', IN | EDGE), put, wait, count, wait, count, put, wait, count, wait, count, exit];
    expect(output(program)).toBe('1 0 1 0 ');
  });

  it('is silent after a one-shot until modified', () => {
    const program = [
      ...open,
      control(1, 'r', IN | ONESHOT),
      put,
      wait,
      count,
      wait,
      count,
      control(3, 'r', IN | ONESHOT),
      wait,
      count,
      exit,
    ];
    expect(output(program)).toBe('1 0 1 ');
  });

  it('nests, and refuses loops, duplicates and what cannot be waited for', () => {
    const program: Program = [
      ...open,
      control(1, 'r', IN),
      control(1, 'r', IN),
      say((guest) => `${named(guest.r)} `),
      control(1, 'e', IN),
      say((guest) => `${named(guest.r)} `),
      (guest) => inTurn(guest.keep('inner', fd(guest, 'e')), guest.system.epollCreate(guest.task, 0)),
      (guest) => inTurn(guest.keep('e', guest.r), 0),
      control(1, 'inner', IN),
      put,
      wait,
      count,
      (guest) => guest.system.epollControl(guest.task, fd(guest, 'inner'), 1, fd(guest, 'e'), IN, 0, 0),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.system.openat(guest.task, -100, new TextEncoder().encode('/bin/program'), 0, 0),
      (guest) => guest.system.epollControl(guest.task, fd(guest, 'e'), 1, guest.r, IN, 0, 0),
      say((guest) => `${named(guest.r)}`),
      exit,
    ];
    expect(output(program)).toBe('-EEXIST -EINVAL 1 -ELOOP -EPERM');
  });

  it('forgets a descriptor when the last one for its description is closed', () => {
    const program = [
      ...open,
      control(1, 'r', IN),
      put,
      (guest: Guest) => guest.system.close(guest.task, fd(guest, 'r')),
      wait,
      count,
      exit,
    ];
    expect(output(program)).toBe('0 ');
  });

  it('wakes a waiter when a timer descriptor runs out', () => {
    const program: Program = [
      ...open,
      (guest) => guest.system.timerCreate(guest.task, 1, 0),
      (guest) =>
        inTurn(
          guest.keep('t', guest.r),
          guest.system.timerSet(guest.task, guest.r, { value: { sec: 2, nsec: 0 }, interval: { sec: 3, nsec: 0 }, absolute: false }),
        ),
      control(1, 't', IN),
      (guest) => guest.system.epollWait(guest.task, fd(guest, 'e'), out, 4, undefined, undefined),
      count,
      exit,
    ];
    const bench = new Bench({ program });
    expect(bench.run('/bin/program').stdout).toBe('1 ');
    expect(bench.now.sec).toBe(102);
  });
});

describe('futexes', () => {
  const sleepers = (count: number, wake: Program): Program => [
    ...Array.from({ length: count }, (): Instruction => (guest) => guest.fork({ ...THREAD, note: count + wake.length })),
    ...wake,
    (guest) => guest.system.futexWait(guest.task, WORD, 0, undefined, 1),
    (guest) => inTurn(guest.write(1, `woken ${guest.r}\n`), inTurn(guest.system.exit(guest.task, 0), undefined)),
  ];

  it('wake as many as asked, in the order in which they came', () => {
    const program = sleepers(3, [
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.system.futexWake(guest.task, WORD, 2, -1),
      say((guest) => `${guest.r}\n`),
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.system.futexWake(guest.task, WORD, 9, -1),
      say((guest) => `${guest.r}\n`),
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.exit(0),
    ]);
    expect(output(program)).toBe('2\nwoken 0\nwoken 0\n1\nwoken 0\n');
  });

  it('refuse a changed word, end at the deadline, and match bits', () => {
    const program: Program = [
      (guest) => guest.system.futexWait(guest.task, WORD, 1, undefined, -1),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.system.futexWait(guest.task, WORD, 0, { sec: 150, nsec: 0 }, -1),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.fork({ ...THREAD, note: 8 }),
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.system.futexWake(guest.task, WORD, 1, 2),
      (guest) => inTurn(guest.write(1, `${guest.r}`), guest.exit(0)),
      (guest) => guest.system.futexWait(guest.task, WORD, 0, undefined, 1),
    ];
    expect(output(program)).toBe('-EAGAIN -ETIMEDOUT 0');
  });

  it('move waiters to another word', () => {
    const other = (WORD + 64) as typeof WORD;
    const program = sleepers(2, [
      (guest) => guest.system.yield(guest.task),
      (guest) => guest.system.futexRequeue(guest.task, WORD, 1, 9, other, 0),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.futexWake(guest.task, WORD, 9, -1),
      say((guest) => `${guest.r} `),
      (guest) => guest.system.futexWake(guest.task, other, 9, -1),
      (guest) => inTurn(guest.write(1, `${guest.r}`), guest.exit(0)),
    ]);
    expect(output(program)).toBe('2 0 1');
  });
});

describe('event counters', () => {
  it('add up, are taken at once, and block when nothing is there', () => {
    const number = (value: number): string => String.fromCharCode(value, 0, 0, 0, 0, 0, 0, 0);
    const program: Program = [
      (guest) => guest.system.eventCounter(guest.task, 3, 0),
      (guest) => inTurn(guest.keep('e', guest.r), guest.write(guest.r, number(4))),
      (guest) => guest.read(fd(guest, 'e'), 8),
      say((guest) => `${guest.context.text.charCodeAt(0)} `),
      (guest) => guest.system.statusFlags(guest.task, fd(guest, 'e'), NONBLOCK),
      (guest) => guest.read(fd(guest, 'e'), 8),
      say((guest) => `${named(guest.r)} `),
      (guest) => guest.read(fd(guest, 'e'), 7),
      say((guest) => `${named(guest.r)}`),
      exit,
    ];
    expect(output(program)).toBe('7 -EAGAIN -EINVAL');
  });
});
