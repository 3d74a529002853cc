import { DriverSet, MemoryTree, type TreeDescription } from '@ashlar/devices';
import type { Cpu, Isa, Machine, PluginRef, Step, Tree, Wait } from '@ashlar/hardware';
import { Account, EventHub, LocalMachine } from '@ashlar/hypercall';
import type { ExitStatus, KernelStub, Personality, SpawnSpec, Stdio } from '@ashlar/kernel-stub';
import { PartBuilder, readPart } from '@ashlar/machine-image';
import { SuiteClock } from './virtual-time.ts';

/** What the suite needs to put a stub to work. */
export interface RigParts {
  readonly kernel: (machine: Machine) => KernelStub;
  readonly personalities: () => readonly Personality[];
  readonly cpus: readonly { readonly cpu: Cpu; readonly plugin: PluginRef }[];
  /** What the root of the share holds, beside an empty `tmp`. */
  readonly root: TreeDescription;
  /** Pages of memory. */
  readonly pages?: number;
  /** Steps that a program may take, of a million instructions each, before the suite gives up. */
  readonly stepsMax?: number;
}

/** A program to run, from the outside. */
export interface Run {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** As a shell has it. */
  readonly status: number;
}

const STEPS_MAX = 20_000;
const STEP_INSTRUCTIONS = 1_000_000;

/**
 * A stub on a machine of its own, in virtual time: stepped by hand, so that a test sees every step. Everything is synchronous.
 */
export class SystemRig {
  readonly machine: LocalMachine;
  readonly kernel: KernelStub;
  readonly clock = new SuiteClock();
  private readonly drivers: DriverSet;
  private tag = 0;

  constructor(private readonly parts: RigParts) {
    const events = new EventHub();
    const layer: Tree = new MemoryTree({ tmp: {}, ...parts.root });
    this.drivers = new DriverSet({
      devices: { root: { kind: 'share', layers: [layer], volumes: [] }, console: { kind: 'console' } },
      events,
      log: () => undefined,
      now: (out) => this.clock.read('wall', out),
      entropy: (stream) => ({ kind: 'seeded', seed: 7, stream }),
    });
    const pages = parts.pages ?? 65_536;
    let seed = 1;
    this.machine = new LocalMachine({
      shape: { vcpus: 1, isas: parts.cpus.map(({ cpu }) => cpu.isa as Isa), pages, devices: this.drivers.shape, virtualTime: true },
      account: new Account(pages),
      clock: this.clock,
      events,
      cpus: parts.cpus,
      open: (name) => this.drivers.open(name),
      entropy: (to) => {
        // Knuth's generator: programs compare what they got before.
        for (let at = 0; at < to.length; at++) {
          seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
          to[at] = seed >>> 24;
        }
      },
    });
    this.kernel = parts.kernel(this.machine);
    this.kernel.install(parts.personalities());
  }

  /** Another rig, made from the same parts but for some. */
  with(changes: Partial<RigParts>): SystemRig {
    return new SystemRig({ ...this.parts, ...changes });
  }

  get system(): KernelStub['system'] {
    return this.kernel.system;
  }

  /** One step; time moves with it. */
  step(budget = STEP_INSTRUCTIONS): Step {
    const step = this.kernel.step(budget);
    if (step instanceof Promise) throw new Error('the stub answered a promise on CPUs that are sync');
    if (step.used > budget) throw new Error(`P-1: the step used ${step.used} of ${budget} instructions`);
    this.clock.retire(step.used);
    return step;
  }

  /** Steps until `done`, jumping over idle time. Throws when nothing can come any more. */
  until(done: () => boolean): void {
    const most = this.parts.stepsMax ?? STEPS_MAX;
    for (let count = 0; count < most; count++) {
      if (done()) return;
      const { used, wait } = this.step();
      if (done()) return;
      if (wait !== undefined) this.idle(wait, used);
    }
    throw new Error(`not done after ${most} steps`);
  }

  private idle(wait: Wait, used: number): void {
    if (wait.until !== undefined) this.clock.skipTo(wait.until);
    else if (used === 0) throw new Error('everything waits for an event, and there is nobody left to make one');
  }

  spawn(spec: Run & { readonly tty?: boolean }): number {
    const request: SpawnSpec = { argv: spec.argv, env: spec.env ?? {}, cwd: spec.cwd ?? '/', tty: spec.tty ?? false };
    const tag = ++this.tag;
    let reply = this.system.spawn(tag, request);
    for (let count = 0; typeof reply !== 'number' && count < STEPS_MAX; count++) {
      this.step();
      reply = this.system.spawn(tag, request);
    }
    if (typeof reply !== 'number') throw new Error(`spawn of ${spec.argv[0]} never answered`);
    return reply;
  }

  stdio(pid: number, fd: number): Stdio {
    const stdio = this.system.stdio(pid, fd);
    if (stdio === undefined) throw new Error(`process ${pid} has no stdio ${fd}`);
    return stdio;
  }

  /** Runs a program to its end and collects what it wrote. */
  run(spec: Run): Ran {
    for (const [name, text] of Object.entries(spec.files ?? {})) this.writeFile(`${spec.cwd ?? ''}/${name}`, text);
    const pid = this.spawn(spec);
    if (pid < 0) throw new Error(`${spec.argv[0]} could not be started: errno ${-pid}`);
    return this.follow(pid, spec.stdin ?? '');
  }

  /** Feeds a started program and collects what it writes, until it ends. */
  follow(pid: number, stdin: string): Ran {
    const input = new Feeder(this.stdio(pid, 0), stdin);
    const outputs = [1, 2].map((fd) => new Collector(this.stdio(pid, fd)));
    const exit: ExitStatus = { code: 0, signal: 0 };
    this.until(() => {
      input.pump();
      for (const output of outputs) output.pump();
      return outputs.every((output) => output.ended) && this.system.wait(pid, exit) === 0;
    });
    this.system.release(pid);
    const [stdout = '', stderr = ''] = outputs.map((output) => output.text());
    return { stdout, stderr, status: exit.signal === 0 ? exit.code : 128 + exit.signal };
  }

  /** An operator's request that must answer in the end. */
  settle(ask: () => ReturnType<KernelStub['system']['wait']>): number {
    let reply = ask();
    for (let count = 0; typeof reply !== 'number' && count < STEPS_MAX; count++) {
      const { wait, used } = this.step();
      if (wait !== undefined) this.idle(wait, Math.max(1, used));
      reply = ask();
    }
    if (typeof reply !== 'number') throw new Error('the request never answered');
    return reply;
  }

  writeFile(path: string, text: string): void {
    const { files } = this.system;
    const handle = this.settle(() => files.open(path, 0o1101, 0o644));
    if (handle < 0) throw new Error(`${path} cannot be made: errno ${-handle}`);
    const bytes = new TextEncoder().encode(text);
    const written = this.settle(() => files.write(handle, 0, bytes));
    files.close(handle);
    if (written !== bytes.length) throw new Error(`${path}: ${written} of ${bytes.length} bytes were written`);
  }

  readFile(path: string): string {
    const { files } = this.system;
    const handle = this.settle(() => files.open(path, 0, 0));
    if (handle < 0) throw new Error(`${path} cannot be opened: errno ${-handle}`);
    const buffer = new Uint8Array(1 << 16);
    const length = this.settle(() => files.read(handle, 0, buffer));
    files.close(handle);
    return new TextDecoder().decode(buffer.subarray(0, length));
  }

  /** The kernel's saved state, in a form that compares. */
  fingerprint(): string {
    const out = new PartBuilder();
    const reply = this.kernel.save(out);
    if (reply !== 0) throw new Error(`the kernel could not be saved: ${JSON.stringify(reply)}`);
    return out.toBytes().join(',');
  }

  private saved(): Uint8Array {
    const out = new PartBuilder();
    for (const [name, saved] of this.savedParts()) {
      const reply = saved.save(out.part(name));
      if (reply !== 0) throw new Error(`${name} could not be saved: ${JSON.stringify(reply)}`);
    }
    return out.toBytes();
  }

  /** A fresh rig with this one's state, through bytes. */
  restored(): SystemRig {
    const part = readPart(this.saved());
    const copy = new SystemRig(this.parts);
    copy.tag = this.tag;
    copy.clock.skipTo(this.now());
    for (const [name, restored] of copy.savedParts()) {
      const reply = restored.restore(part.part(name));
      if (reply !== 0) throw new Error(`${name} could not be restored: ${JSON.stringify(reply)}`);
    }
    return copy;
  }

  private now(): { sec: number; nsec: number } {
    const out = { sec: 0, nsec: 0 };
    this.clock.read('monotonic', out);
    return out;
  }

  private savedParts(): readonly (readonly [string, KernelStub | DriverSet | NonNullable<ReturnType<LocalMachine['device']>>])[] {
    const devices = Object.keys(this.machine.shape.devices).map((name) => [name, this.machine.device(name)] as const);
    return [
      ['drivers', this.drivers],
      ...devices.flatMap(([name, device]) => (device === undefined ? [] : [[`device-${name}`, device] as const])),
      ['kernel', this.kernel],
    ];
  }
}

/** Writes a text into a stdin as it is taken, then closes it. */
class Feeder {
  private readonly bytes: Uint8Array;
  private at = 0;
  private closed = false;

  constructor(
    private readonly stdio: Stdio,
    text: string,
  ) {
    this.bytes = new TextEncoder().encode(text);
  }

  pump(): void {
    while (!this.closed) {
      const reply = this.at < this.bytes.length ? this.stdio.write(this.bytes.subarray(this.at)) : -1;
      if (typeof reply !== 'number') return;
      if (reply < 0) {
        this.stdio.close();
        this.closed = true;
      } else {
        this.at += reply;
      }
    }
  }
}

/** Reads a stdout or stderr until its end. */
class Collector {
  ended = false;
  private readonly chunks: Uint8Array[] = [];
  private readonly buffer = new Uint8Array(65_536);

  constructor(private readonly stdio: Stdio) {}

  pump(): void {
    while (!this.ended) {
      const reply = this.stdio.read(this.buffer);
      if (typeof reply !== 'number') return;
      if (reply <= 0) this.ended = true;
      else this.chunks.push(this.buffer.slice(0, reply));
    }
  }

  text(): string {
    const whole = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return new TextDecoder().decode(whole);
  }
}
