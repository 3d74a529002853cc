import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guestPrograms } from '@ashlar/guests';
import type { CpuProfile } from '@ashlar/stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASHLAR, ashlar, RunningCommand } from './testing/command.ts';

const GUESTS = ['--volume', `${guestPrograms}:/guests:ro`];
const kernel = (name: string): string => fileURLToPath(new URL(`../dist/testing/${name}-kernel.js`, import.meta.url));
const run = (...args: readonly string[]): readonly string[] => ['run', ...GUESTS, ...args];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ashlar-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('ashlar run', () => {
  it.each([[''], ['direct'], ['worker'], ['direct,worker,direct']])('passes output and status through the chain "%s"', async (chain) => {
    const { status, stdout, stderr } = await ashlar(run('--hypervisor', chain, '--', '/guests/end', 'exit', '42'));
    expect({ status, stdout: stdout.toString(), stderr }).toEqual({ status: 42, stdout: 'before\n', stderr: '' });
  });

  it('has 128 + N for a program that a signal ended', async () => {
    expect((await ashlar(run('--', '/guests/end', 'signal', '15'))).status).toBe(143);
    expect((await ashlar(run('--', '/guests/end', 'segv'))).status).toBe(139);
  });

  it('gives the program its environment and working folder', async () => {
    const { stdout } = await ashlar(
      run('--env', 'COLOUR=blue=1', '--env', 'EMPTY=', '--workdir', '/guests', '--', '/guests/args', 'a b', ''),
    );
    expect(stdout.toString()).toContain('argc 3\nargv[1] "a b"\nargv[2] ""\n');
    expect(stdout.toString()).toContain('env "COLOUR=blue=1"\nenv "EMPTY="\n');
  });

  it('writes a profile that DevTools open', async () => {
    const file = join(folder, 'calls.cpuprofile');
    const { status, stderr } = await ashlar(run('--profile', file, '--profile-interval', '1000', '--', '/guests/calls'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
    const ids = new Set(profile.nodes.map(({ id }) => id));
    expect(profile.samples.every((id) => ids.has(id))).toBe(true);
    expect(profile.timeDeltas).toHaveLength(profile.samples.length);
    expect(profile.nodes.map(({ callFrame }) => callFrame.functionName)).toContain('with_callback');
  });

  it('says what is wrong with where a profile is to go', async () => {
    const { status, stderr } = await ashlar(run('--profile', join(folder, 'none', 'x'), '--', '/guests/hello'));
    expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 125, lines: 3 });
    expect(stderr).toContain('ENOENT');
  });

  it('runs the program of a file: image without being told', async () => {
    expect((await ashlar(['run', '--image', `file:${guestPrograms}hello.wasm`])).stdout.toString()).toContain('wasm');
  });

  it('gives the program an empty stdin without -i', async () => {
    expect(await ashlar(run('--', '/guests/upper'), 'not for it')).toEqual({ status: 0, stdout: Buffer.alloc(0), stderr: '' });
  });

  it.each([['direct'], ['worker']])('passes megabytes of any bytes through stdin and stdout under %s', async (chain) => {
    const input = randomBytes(3_000_001);
    const { status, stdout } = await ashlar(run('-i', '--hypervisor', chain, '--', '/guests/upper'), input);
    const expected = input.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte));
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect({ status, hash: hash(stdout) }).toEqual({ status: 0, hash: hash(expected) });
  });

  it('ends quietly by SIGPIPE when the reader of its output goes away', async () => {
    const running = new RunningCommand(run('--', '/guests/lines', '100000000'));
    await running.said('line 1 of');
    running.child.stdout.destroy();
    expect(await running.ended).toMatchObject({ status: 141, stderr: '' });
  });

  it('says that output cannot be kept', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [ASHLAR, ...run('--', '/guests/hello')], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    const stderr: Buffer[] = [];
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect(status).toBe(125);
    expect(Buffer.concat(stderr).toString()).toMatch(/^ashlar: stdout cannot be written: ENOSPC.*\n {2}hint: .*\n$/);
  });

  it('holds a program back whose output nobody reads, and its input too', async () => {
    const running = new RunningCommand(run('-i', '--timeout', '2', '--', '/guests/upper'));
    running.child.stdout.pause();
    const chunk = Buffer.alloc(1 << 20, 'x');
    let taken = 0;
    const feed = (): void => {
      running.child.stdin.write(chunk, (error) => {
        if (error) return;
        taken += chunk.length;
        if (taken < 64 << 20) feed();
      });
    };
    feed();
    await new Promise((resolve) => running.child.once('exit', resolve));
    expect(taken).toBeLessThan(16 << 20);
    running.child.stdout.destroy();
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('forwards %s', async (signal, status) => {
    const running = new RunningCommand(run('-i', '--', '/guests/upper'));
    running.child.stdin.write('ready\n');
    await running.said('READY');
    running.child.kill(signal);
    expect((await running.ended).status).toBe(status);
  });

  it('gives a terminal with -t: echo, line ends and end of input are its affair', async () => {
    const running = new RunningCommand(run('-i', '-t', '--', '/guests/upper'));
    running.child.stdin.write('ready\n');
    await running.said('READY\r\n');
    running.child.stdin.write('\x04');
    const { status, stdout } = await running.ended;
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: 'ready\r\nREADY\r\n' });
  });

  it('says with --stats what each level used', async () => {
    const { stdout, stderr } = await ashlar(run('--stats', '--hypervisor', 'worker,direct', '--', '/guests/hello'));
    expect(stdout.toString()).toBe('Hello, world\n');
    expect(stderr).toMatch(
      /^wall time [\d.]+ ms\nhypervisor \/ domain +instructions.*\nworker \/ main .*\n {2}direct \/ main +[1-9][\d,]* .*\nriscv64-user\n {2}instructions interpreted +[1-9][\d,]*\n/,
    );
    expect(stderr).toMatch(/\n {2}translation ms +[\d.,]+\n {2}checks kept +\d+\n {2}checks elided +\d+\n$/);
  });

  it.each(['', 'direct', 'worker', 'worker,worker'])(
    'says with --stats the same of the CPU and of the domain, under "%s"',
    async (hypervisor) => {
      const once = async (): Promise<void> => {
        const { stderr } = await ashlar(run('--stats', '--hypervisor', hypervisor, '--', '/guests/compute-integer'));
        const numbers = (line: RegExp): number[] => [...stderr.matchAll(line)].map(([, number = '']) => Number(number.replaceAll(',', '')));
        const executed = numbers(/^ {2}instructions (?:interpreted|translated) +([\d,]+)$/gm).reduce((sum, count) => sum + count, 0);
        expect(executed).toBeGreaterThan(0);
        if (hypervisor !== '') expect(numbers(/^ *[a-z]+ \/ main +([\d,]+) /gm).at(-1)).toBe(executed);
      };
      await Promise.all([once(), once(), once(), once()]);
    },
  );
});

describe('a program that cannot be run', () => {
  it('is not found: 127', async () => {
    expect(await ashlar(run('--', '/guests/nope'))).toMatchObject({
      status: 127,
      stderr: 'ashlar: /guests/nope: there is no such program in the image\n  hint: images and volumes are all that the program can see\n',
    });
  });

  it('is not found in a stack file either', async () => {
    const file = join(folder, 'nope.yaml');
    writeFileSync(file, `ashlar: 1\nuserspace: { volumes: [{ host: ${guestPrograms}, guest: /guests }], run: [/guests/nope] }\n`);
    const { status, stderr } = await ashlar(['up', file]);
    expect(status).toBe(127);
    expect(stderr).toContain('ashlar: /guests/nope: there is no such program in the image\n  hint: ');
  });

  it('is not executable: 126', async () => {
    const text = join(folder, 'text');
    mkdirSync(text);
    writeFileSync(join(text, 'plain'), 'hello\n');
    writeFileSync(join(text, 'unknown'), 'hello\n');
    chmodSync(join(text, 'unknown'), 0o755);
    const volume = ['run', '--volume', `${text}:/text`, '--'];
    expect(await ashlar([...volume, '/text/plain'])).toMatchObject({ status: 126 });
    expect(await ashlar([...volume, '/text/unknown'])).toMatchObject({ status: 126 });
    expect(await ashlar([...volume, '/text'])).toMatchObject({ status: 126 });
  });

  it('is for another computer: 125, in words', async () => {
    copyFileSync(process.execPath, join(folder, 'node'));
    const { status, stderr } = await ashlar(['run', '--image', `file:${join(folder, 'node')}`]);
    expect(status).toBe(125);
    expect(stderr).toMatch(
      /^ashlar: \/node in file:.* is a program for .*, and the machine's CPUs are riscv64-user and wasm32\n {2}hint: .*\n$/,
    );
  });
});

describe('a program on a kernel stub that lacks what it needs', () => {
  const solo = (...args: readonly string[]) => ashlar(run('--kernel', 'solo', ...args));
  const hint = '  hint: use kernel posix or passthrough\n';

  it('S-6: is refused before the start if it is known to need it, 125', async () => {
    expect(await solo('--', '/usr/bin/busybox', 'sh', '-c', 'ls | cat')).toEqual({
      status: 125,
      stdout: Buffer.alloc(0),
      stderr:
        'ashlar: command line: userspace.run: ["/usr/bin/busybox","sh","-c","ls | cat"]: needs the feature groups process, signal and ' +
        "descriptor, which kernel stub 'solo' lacks; use kernel posix or passthrough\n",
    });
    const script = join(folder, 'script');
    writeFileSync(script, '#!/bin/sh\nls | cat\n');
    chmodSync(script, 0o755);
    const needs =
      "/script is a script for /bin/sh and needs the feature groups process, signal and descriptor, which kernel stub 'solo' lacks";
    expect(await solo('--image', `file:${script}`)).toMatchObject({ status: 125, stderr: `ashlar: ${needs}\n${hint}` });
    const file = join(folder, 'script.yaml');
    writeFileSync(file, 'ashlar: 1\nkernel: solo\nuserspace: { image: "file:./script" }\n');
    for (const command of ['check', 'up']) {
      expect(await ashlar([command, file])).toMatchObject({ status: 125, stderr: `ashlar: ${needs}\n${hint}` });
    }
  });

  it.each([[''], ['direct'], ['worker,direct']])('S-5: is ended where it asks for it, under "%s": 159, in words', async (chain) => {
    const { status, stdout, stderr } = await solo('--hypervisor', chain, '--', '/guests/fork-wait');
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 159, stdout: 'wait without children: ENOSYS\n' });
    const why = "asked for clone(2) of the feature group process, which kernel stub 'solo' lacks, and was ended by SIGSYS";
    expect(stderr).toBe(`ashlar: /guests/fork-wait ${why}\n${hint}`);
  });

  it('says so too for a stack file', async () => {
    const file = join(folder, 'pipe.yaml');
    const volume = `{ host: ${guestPrograms}, guest: /guests, readOnly: true }`;
    writeFileSync(file, `ashlar: 1\nkernel: solo\nuserspace: { volumes: [${volume}], run: [/guests/pipe] }\n`);
    const { status, stderr } = await ashlar(['up', file]);
    expect(status).toBe(159);
    expect(stderr).toContain(`ashlar: /guests/pipe asked for pipe2(2) of the feature group descriptor, which kernel stub 'solo' lacks`);
  });

  it('runs if it only asks whether it is there', async () => {
    expect(await solo('--', '/guests/hello')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('a stack that misbehaves', () => {
  it('ends a program that takes too long: 124', async () => {
    const running = new RunningCommand(run('-i', '--timeout', '0.5', '--', '/guests/upper'));
    expect(await running.ended).toMatchObject({ status: 124, stderr: '' });
  });

  it('ends a program that never stops computing: 124', async () => {
    expect((await ashlar(run('--timeout', '0.5', '--', '/guests/lines', '100000000'))).status).toBe(124);
  });

  it.each([['direct'], ['worker']])('ends a kernel stub that does not answer, under %s: 124', async (chain) => {
    expect(await ashlar(run('--timeout', '0.5', '--hypervisor', chain, '--kernel', kernel('silent'), '--', '/x'))).toMatchObject({
      status: 124,
    });
  });

  it('ends a kernel stub that spins in a thread: 124', async () => {
    expect(await ashlar(run('--timeout', '0.5', '--hypervisor', 'worker', '--kernel', kernel('spinning'), '--', '/x'))).toMatchObject({
      status: 124,
    });
  });

  it.each([[''], ['direct'], ['worker'], ['worker,direct']])(
    'says what happened when a kernel stub throws under "%s": 125',
    async (chain) => {
      const { status, stdout, stderr } = await ashlar(run('--hypervisor', chain, '--kernel', kernel('throwing'), '--', '/x'));
      expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toMatch(/^ashlar: .*the stub has a bug.*\n {2}hint: run again with --debug.*\n$/);
    },
  );

  it('says the same of a domain of a stack file: 125', async () => {
    const file = join(folder, 'throwing.yaml');
    writeFileSync(
      file,
      `ashlar: 1\nhypervisors: [worker]\nkernel: ${kernel('throwing')}\nuserspace: { volumes: [{ host: ${guestPrograms}, guest: /guests }], run: [/guests/hello] }\n`,
    );
    const { status, stderr } = await ashlar(['up', file]);
    expect(status).toBe(125);
    expect(stderr).toMatch(/\nashlar: .*the stub has a bug.*\n {2}hint: run again with --debug.*\n$/);
  });
});

describe('errors', () => {
  it.each([
    ['an unknown option', ['run', '--hypervisr', 'x'], "ashlar: unknown option '--hypervisr'\n  hint: did you mean --hypervisor?\n"],
    ['an unknown command', ['rnu'], "ashlar: unknown command 'rnu'\n  hint: did you mean run?\n"],
    ['no program', ['run', ...GUESTS], 'ashlar: there is no program to run\n  hint: name it after --, or use a file: image\n'],
    [
      'a bad volume',
      ['run', '--volume', 'x', '--', '/x'],
      "ashlar: --volume 'x' is not HOST:GUEST[:ro]\n  hint: write, for example, ./project:/project:ro\n",
    ],
    [
      'a bad size',
      [...run('--memory', 'lots', '--', '/x')],
      "ashlar: --memory 'lots' is not a size\n  hint: write a size such as 512MiB\n",
    ],
    [
      'a relative folder',
      [...run('--workdir', 'x', '--', '/x')],
      "ashlar: --workdir 'x' is not an absolute path of the guest\n  hint: write, for example, /x\n",
    ],
    [
      'an unknown plugin',
      [...run('--kernel', 'posx', '--', '/x')],
      "ashlar: command line: kernel: 'posx': there is no kernel plugin 'posx'; did you mean 'posix'?\n",
    ],
    ['an unknown domain', [...run('--domain', 'web', '--', '/x')], "ashlar: there is no domain 'web'\n  hint: the stack has: main\n"],
    ['no file', ['check', 'nope.yaml'], 'ashlar: nope.yaml: there is no such file\n  hint: name a stack file, such as stack.yaml\n'],
  ])('%s: one clear line, a hint, 125', async (_what, args, stderr) => {
    expect(await ashlar(args)).toEqual({ status: 125, stdout: Buffer.alloc(0), stderr });
  });

  it('shows a stack trace only with --debug', async () => {
    const { status, stderr } = await ashlar(run('--debug', '--kernel', 'posx', '--', '/x'));
    expect(status).toBe(125);
    expect(stderr).toMatch(/\n {4}at /);
  });
});
