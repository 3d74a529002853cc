import {
  type Clock,
  type Cpu,
  Errno,
  type EventKey,
  type Events,
  type Instant,
  type Machine,
  type PartReader,
  type PartWriter,
  type Plain,
} from '@ashlar/hardware';
import { type ExitStatus, OpenFlag } from '@ashlar/kernel-stub';
import { compareInstants } from '../instant.ts';
import { UnixKernel } from '../kernel.ts';
import { standardTree } from '../standard-tree.ts';
import { Tmpfs } from '../tmpfs.ts';
import { CountingAccount } from './fake-host.ts';
import { type Program, ScriptedCpu, ScriptedPersonality } from './scripted.ts';

/** Events as a machine has them. */
export class BenchEvents implements Events {
  #last = new Map<EventKey, number>();
  #key = 0;
  #now = 0;

  allocate(): EventKey {
    return ++this.#key as EventKey;
  }

  release(key: EventKey): void {
    this.#last.delete(key);
  }

  fire(key: EventKey): void {
    this.#last.set(key, ++this.#now);
  }

  now(): number {
    return this.#now;
  }

  last(key: EventKey): number {
    return this.#last.get(key) ?? 0;
  }

  onNext(): void {}
}

/** What a program did. */
export interface Run extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
  /** Instructions of all programs while it ran. */
  readonly used: number;
}

const STEPS_MAX = 10_000;

/** A kernel over a machine of which the test is the clock and the executor. Programs lie in /bin by their names. */
export class Bench {
  readonly programs = new Map<string, Program>();
  readonly personality = new ScriptedPersonality(this.programs);
  readonly cpu: Cpu = new ScriptedCpu(this.programs);
  readonly events = new BenchEvents();
  readonly now: Instant = { sec: 100, nsec: 0 };
  readonly account = new CountingAccount(100_000);
  readonly kernel: UnixKernel;
  #tag = 0;

  constructor(programs: Readonly<Record<string, Program>> = {}) {
    const clock: Clock = {
      read: (which, out) => {
        out.sec = which === 'steal' ? 0 : this.now.sec;
        out.nsec = which === 'steal' ? 0 : this.now.nsec;
      },
    };
    const machine: Partial<Machine> = {
      shape: { vcpus: 1, isas: ['riscv64-user'], pages: 100_000, devices: {}, virtualTime: true },
      epoch: 0,
      memory: this.account,
      clock,
      events: this.events,
      cpu: () => this.cpu,
      device: () => undefined,
      entropy: (to) => void to.fill(7),
    };
    this.kernel = new UnixKernel(machine as Machine, (host) =>
      standardTree(host, new Tmpfs({ device: 16, account: this.account, now: (out) => host.clock('wall', out), pages: 1000, nodes: 1000 })),
    );
    this.kernel.install([this.personality]);
    for (const directory of ['/bin', '/tmp']) this.kernel.system.files.mkdir(directory, 0o777);
    for (const [name, program] of Object.entries(programs)) this.add(name, program);
  }

  add(name: string, program: Program): void {
    this.programs.set(name, program);
    this.file(`/bin/${name}`, `%script ${name}`, 0o755);
  }

  file(path: string, text: string, mode = 0o644): void {
    const { files } = this.kernel.system;
    const handle = files.open(path, OpenFlag.CREATE | OpenFlag.WRITE_ONLY | OpenFlag.TRUNCATE, mode) as number;
    files.write(handle, 0, new TextEncoder().encode(text));
    files.close(handle);
  }

  spawn(path: string, ...argv: string[]): number {
    return this.kernel.system.spawn(++this.#tag, { argv: [path, ...argv], env: {}, cwd: '/tmp', tty: false }) as number;
  }

  /** Steps until nothing is ready. Instructions used. */
  settle(budget = 1000): number {
    let used = 0;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const step = this.kernel.step(budget);
      if (step instanceof Promise) throw new Error('a scripted CPU answers at once');
      used += step.used;
      if (step.wait !== undefined) return used;
    }
    throw new Error(`still busy after ${STEPS_MAX} steps`);
  }

  /** When the kernel next wants to be stepped, or undefined if only an event can wake it. */
  deadline(): Instant | undefined {
    const step = this.kernel.step(1);
    return step instanceof Promise ? undefined : step.wait?.until;
  }

  /** Steps until the program ended; while all is idle, time goes on to the next deadline. */
  finish(pid: number, budget = 1000): Run {
    const status: ExitStatus = { code: 0, signal: 0 };
    let stdout = '';
    let stderr = '';
    let used = 0;
    for (let rounds = 0; rounds < STEPS_MAX; rounds++) {
      used += this.settle(budget);
      stdout += this.output(pid, 1);
      stderr += this.output(pid, 2);
      if (this.kernel.system.wait(pid, status) === 0) return { ...status, stdout, stderr, used };
      const until = this.deadline();
      if (until === undefined) throw new Error(`process ${pid} waits for ever`);
      if (compareInstants(until, this.now) > 0) this.set(until);
    }
    throw new Error(`process ${pid} did not end`);
  }

  run(path: string, ...argv: string[]): Run {
    const pid = this.spawn(path, ...argv);
    if (pid < 0) throw new Error(`${path}: errno ${-pid}`);
    const run = this.finish(pid);
    this.kernel.system.release(pid);
    return run;
  }

  set(time: Instant): void {
    this.now.sec = time.sec;
    this.now.nsec = time.nsec;
  }

  /** What the operator can read now. */
  output(pid: number, fd: number): string {
    const bytes = new Uint8Array(65_536);
    let text = '';
    for (;;) {
      const count = this.kernel.system.stdio(pid, fd)?.read(bytes) ?? 0;
      if (typeof count !== 'number' || count <= 0) return text;
      text += new TextDecoder().decode(bytes.subarray(0, count));
    }
  }
}

/** A part kept in memory. */
export class MemoryPart implements PartWriter, PartReader {
  readonly #values = new Map<string, Plain>();
  readonly #parts = new Map<string, MemoryPart>();
  readonly #pages = new Map<string, Map<number, Uint8Array>>();

  put(key: string, value: Plain): void {
    if (this.#values.has(key)) throw new Error(`"${key}" was written twice`);
    this.#values.set(key, structuredClone(value) as Plain);
  }

  /** A writer stores what it is given; a part that was read from fills it. */
  page(key: string, page: number, bytes: Uint8Array): void {
    const pages = this.#pages.get(key) ?? new Map<number, Uint8Array>();
    this.#pages.set(key, pages);
    const stored = pages.get(page);
    if (stored === undefined) pages.set(page, bytes.slice());
    else bytes.set(stored);
  }

  part(key: string): MemoryPart {
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = new MemoryPart();
      this.#parts.set(key, part);
    }
    return part;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): Plain {
    const value = this.#values.get(key);
    if (value === undefined) throw new Error(`nothing was saved as "${key}"`);
    return value;
  }

  pages(key: string): readonly number[] {
    return [...(this.#pages.get(key)?.keys() ?? [])].sort((a, b) => a - b);
  }

  pageKeys(): readonly string[] {
    return [...this.#pages.keys()];
  }

  parts(): readonly string[] {
    return [...this.#parts.keys()];
  }

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }
}

/** Name of an errno, for readable expectations: `-EPIPE`. */
export function named(result: number): string {
  const found = Object.entries(Errno).find(([, value]) => value === -result);
  return result < 0 ? `-${found?.[0] ?? result}` : String(result);
}
