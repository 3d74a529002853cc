import { type ClauseTest, clauseTests } from '@ashlar/conformance';
import { Errno } from '@ashlar/hardware';
import type { ExitStatus } from '@ashlar/kernel-stub';
import { expect } from 'vitest';
import type { SystemRig } from './rig.ts';

const UPPER = '/guests/upper';

function textFrom(rig: SystemRig, pid: number, wanted: (text: string) => boolean): string {
  const stdio = rig.stdio(pid, 1);
  const buffer = new Uint8Array(4096);
  let text = '';
  rig.until(() => {
    for (let reply = stdio.read(buffer); typeof reply === 'number' && reply > 0; reply = stdio.read(buffer)) {
      text += new TextDecoder().decode(buffer.subarray(0, reply));
    }
    return wanted(text);
  });
  return text;
}

function type(rig: SystemRig, pid: number, text: string): void {
  const reply = rig.stdio(pid, 0).write(new TextEncoder().encode(text));
  expect(reply).toBe(text.length);
}

/** The clauses on the operator face, and those that only it can show. */
export const operatorTests = clauseTests<SystemRig>(
  {
    clause: 'S-70',
    title: 'the same tag starts one program',
    run(rig) {
      const spec = { argv: ['/guests/hello'], env: {}, cwd: '/', tty: false };
      const pid = rig.settle(() => rig.system.spawn(1001, spec));
      expect(pid).toBeGreaterThan(0);
      expect(rig.settle(() => rig.system.spawn(1001, spec))).toBe(pid);
      expect(rig.follow(pid, '').stdout).not.toBe('');
    },
  },
  {
    clause: 'S-70',
    title: 'what cannot be started says why',
    run(rig) {
      rig.writeFile('/tmp/text', 'not a program');
      const start = (path: string): number => rig.spawn({ argv: [path] });
      expect(start('/guests/absent')).toBe(-Errno.ENOENT);
      expect(start('/tmp')).toBe(-Errno.EACCES);
      expect([-Errno.EACCES, -Errno.ENOEXEC]).toContain(start('/tmp/text'));
    },
    requires: ['writable'],
  },
  {
    clause: 'S-71',
    title: 'bytes pass unchanged through stdin and stdout, more than a pipe holds',
    run(rig) {
      const text = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join('');
      expect(rig.run({ argv: [UPPER], stdin: text })).toEqual({ stdout: text.toUpperCase(), stderr: '', status: 0 });
    },
  },
  {
    clause: 'S-71',
    title: 'a program whose output nobody reads stops',
    run(rig) {
      const pid = rig.spawn({ argv: ['/guests/lines', '10000'] });
      for (let count = 0; count < 200; count++) rig.step();
      expect(rig.step().wait).toBeDefined();
      expect(rig.system.wait(pid, { code: 0, signal: 0 })).not.toBe(0);
      const { stdout, status } = rig.follow(pid, '');
      expect([stdout.split('\n').length, status]).toEqual([10_001, 0]);
    },
  },
  {
    clause: 'S-72',
    title: 'the status is kept until it is released',
    run(rig) {
      const pid = rig.spawn({ argv: ['/guests/end', 'exit', '42'] });
      const exit = { code: 0, signal: 0 };
      rig.until(() => rig.system.wait(pid, exit) === 0);
      expect(exit).toEqual({ code: 42, signal: 0 });
      expect([rig.system.wait(pid, exit), exit]).toEqual([0, { code: 42, signal: 0 }]);
      rig.system.release(pid);
      expect(rig.system.wait(pid, exit)).toBe(-Errno.ESRCH);
    },
  },
  {
    clause: 'S-72',
    title: 'a signal from outside ends the program, and is told',
    requires: ['signal'],
    run(rig) {
      const pid = rig.spawn({ argv: [UPPER] });
      rig.step();
      expect(rig.system.signal(pid, 15, false)).toBe(0);
      const exit = { code: 0, signal: 0 };
      rig.until(() => rig.system.wait(pid, exit) === 0);
      expect(exit.signal).toBe(15);
      expect(rig.system.signal(9999, 15, false)).toBe(-Errno.ESRCH);
    },
  },
  {
    clause: 'S-73',
    title: 'files from outside are those that programs see',
    requires: ['writable', 'file'],
    run(rig) {
      rig.writeFile('/tmp/outside', 'from outside');
      expect(rig.readFile('/tmp/outside')).toBe('from outside');
      const { files } = rig.system;
      expect(rig.settle(() => files.mkdir('/tmp/folder', 0o755))).toBe(0);
      const stat = { mode: 0, size: 0, mtime: { sec: 0, nsec: 0 } };
      expect(rig.settle(() => files.stat('/tmp/outside', stat))).toBe(0);
      expect(stat.size).toBe(12);
      const names: { name: string; type: number }[] = [];
      expect(rig.settle(() => files.list('/tmp', 0, names))).toBeGreaterThanOrEqual(0);
      expect(
        names
          .map(({ name }) => name)
          .filter((name) => !name.startsWith('.'))
          .sort(),
      ).toEqual(['folder', 'outside']);
      expect(rig.settle(() => files.remove('/tmp/outside'))).toBe(0);
      expect(rig.settle(() => files.open('/tmp/outside', 0, 0))).toBe(-Errno.ENOENT);
    },
  },
  {
    clause: 'S-61',
    title: 'a terminal gives whole lines, edited and echoed',
    requires: ['terminal'],
    run(rig) {
      const pid = rig.spawn({ argv: [UPPER], tty: true });
      rig.step();
      type(rig, pid, 'axy\x7f\x7fbc\n');
      const text = textFrom(rig, pid, (seen) => seen.includes('ABC'));
      expect(text).toContain('axy');
      expect(text).toContain('ABC\r\n');
      type(rig, pid, '\x04');
      const exit = { code: 1, signal: 0 };
      rig.until(() => rig.system.wait(pid, exit) === 0);
      expect(exit).toEqual({ code: 0, signal: 0 });
    },
  },
  {
    clause: 'S-61',
    title: 'the interrupt character is SIGINT for the foreground group',
    requires: ['terminal', 'signal'],
    run(rig) {
      const pid = rig.spawn({ argv: [UPPER], tty: true });
      rig.step();
      type(rig, pid, '\x03');
      const exit = { code: 0, signal: 0 };
      rig.until(() => rig.system.wait(pid, exit) === 0);
      expect(exit.signal).toBe(2);
    },
  },
  {
    clause: 'S-74',
    title: 'saved at any moment and restored, the rest of the output is the same',
    run(rig) {
      const argv = ['/guests/lines', '400'];
      const whole = rig.run({ argv }).stdout;
      for (const budget of [1, 100, 3000, 10_007, 20_001]) {
        const pid = rig.spawn({ argv });
        rig.step(budget);
        const buffer = new Uint8Array(100_000);
        const early = rig.stdio(pid, 1).read(buffer);
        const before = typeof early === 'number' ? new TextDecoder().decode(buffer.subarray(0, early)) : '';
        const copy = rig.restored();
        expect(before + copy.follow(pid, '').stdout).toBe(whole);
        expect(before + rig.follow(pid, '').stdout).toBe(whole);
      }
    },
  },
  {
    clause: 'S-74',
    title: 'a pipeline restored in the middle says the same',
    requires: ['process', 'pipe'],
    run(rig) {
      const argv = ['/guests/pipeline', '/guests/lines', '300', '--', UPPER, '--', UPPER];
      const whole = rig.run({ argv }).stdout;
      expect(whole.split('\n')).toHaveLength(301);
      for (const budget of [5000, 40_000, 90_001, 200_003]) {
        const pid = rig.spawn({ argv });
        rig.step(budget);
        expect(rig.restored().follow(pid, '').stdout).toBe(whole);
        expect(rig.follow(pid, '').stdout).toBe(whole);
      }
    },
  },
  {
    clause: 'S-74',
    title: 'a program that maps files says the same when it is restored in the middle',
    requires: ['memory', 'file', 'signal', 'process'],
    run(rig) {
      const started = { argv: ['/guests/mmap-file'], cwd: '/tmp' };
      const whole = rig.run(started).stdout;
      for (const budget of [40_000, 46_000, 52_000, 70_000, 90_000, 110_000]) {
        const pid = rig.spawn(started);
        rig.step(budget);
        const buffer = new Uint8Array(100_000);
        const early = rig.stdio(pid, 1).read(buffer);
        const before = typeof early === 'number' ? new TextDecoder().decode(buffer.subarray(0, early)) : '';
        expect(before + rig.restored().follow(pid, '').stdout).toBe(whole);
        expect(before + rig.follow(pid, '').stdout).toBe(whole);
      }
    },
  },
  {
    clause: 'S-4',
    title: 'a program that asks for what may be missing is told ENOSYS, and goes on',
    requires: ['lacks process'],
    run(rig) {
      expect(rig.run({ argv: ['/guests/fork-wait'] }).stdout).toBe('wait without children: ENOSYS\n');
    },
  },
  ...(
    [
      ['process', 'fork-wait', 'clone'],
      ['descriptor', 'pipe', 'pipe'],
    ] as const
  ).map(
    ([group, guest, refused]): ClauseTest<SystemRig> => ({
      clause: 'S-5',
      title: `a program that asks for ${refused} where there is none ends by SIGSYS, and its status says so`,
      requires: [`lacks ${group}`],
      run(rig) {
        const pid = rig.spawn({ argv: [`/guests/${guest}`] });
        const exit = (on: SystemRig): ExitStatus => {
          const status = { code: 0, signal: 0 };
          on.until(() => on.system.wait(pid, status) === 0);
          return status;
        };
        expect(exit(rig)).toEqual({ code: 0, signal: 31, refused });
        expect(exit(rig.restored())).toEqual({ code: 0, signal: 31, refused });
        rig.follow(pid, '');
        expect(rig.run({ argv: ['/guests/hello'] }).status).toBe(0);
      },
    }),
  ),
  {
    clause: 'S-54',
    title: 'a program that is too large for the domain ends, and the next one runs',
    requires: ['process', 'memory'],
    run(rig) {
      const small = rig.with({ pages: 12 });
      const before = small.machine.memory.usedPages;
      const outcomes = new Set<string>();
      for (const program of ['/guests/fork-memory', '/guests/thread-fork', '/guests/mmap-reserve', '/guests/pipe-stream']) {
        const pid = small.spawn({ argv: [program], cwd: '/tmp' });
        if (pid === -Errno.ENOMEM) outcomes.add('refused');
        else outcomes.add(small.follow(pid, '').status === 0 ? 'fitted' : 'ended');
      }
      expect(outcomes.has('ended') || outcomes.has('refused')).toBe(true);
      expect(small.run({ argv: ['/guests/hello'] }).status).toBe(0);
      expect(small.machine.memory.usedPages).toBeLessThanOrEqual(before + 64);
    },
  },
  {
    clause: 'P-3',
    title: 'between steps nothing happens by itself',
    async run(rig) {
      const pid = rig.spawn({ argv: ['/guests/lines', '200'] });
      rig.step(1000);
      const saved = rig.fingerprint();
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      expect(rig.fingerprint()).toBe(saved);
      expect(rig.follow(pid, '').status).toBe(0);
    },
  },
  {
    clause: 'P-4',
    title: 'what is saved after a restore is what was restored',
    run(rig) {
      rig.spawn({ argv: ['/guests/lines', '200'] });
      rig.step(20_000);
      expect(rig.restored().fingerprint()).toBe(rig.fingerprint());
    },
  },
  {
    clause: 'P-1',
    title: 'a step uses no more than its budget, and as much as there is to do',
    run(rig) {
      const pid = rig.spawn({ argv: ['/guests/lines', '50'] });
      let sum = 0;
      for (const budget of [1, 2, 3, 100, 1000]) {
        const { used } = rig.step(budget);
        expect(used).toBeLessThanOrEqual(budget);
        sum += used;
      }
      expect(sum).toBeGreaterThan(0);
      expect(rig.follow(pid, '').status).toBe(0);
    },
  },
  {
    clause: 'P-2',
    title: 'a step made too early changes nothing',
    run(rig) {
      const pid = rig.spawn({ argv: [UPPER] });
      for (let count = 0; count < 5; count++) rig.step();
      for (let count = 0; count < 20; count++) {
        const { used, wait } = rig.step();
        expect([used, wait !== undefined]).toEqual([0, true]);
      }
      expect(rig.follow(pid, 'still there').stdout).toBe('STILL THERE');
    },
  },
);
