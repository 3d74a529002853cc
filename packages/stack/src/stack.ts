import { EventEmitter } from 'node:events';
import type { Channel, Hardware, Machine, Payload, Result } from '@ashlar/hardware';
import { createPair } from '@ashlar/hypercall';
import type { DomainUsage, Hypervisor } from '@ashlar/hypervisor';
import type { CpuProfile } from '@ashlar/profiler';
import { receiveDocument, SessionClient } from '@ashlar/session';
import type { GuestProcess, ProcessExit, Session } from '@ashlar/userspace';
import { type LevelStop, Levels, type LevelUsage } from './levels.ts';
import type { CpuCounters } from './loader.ts';
import { suggestion } from './nearest.ts';
import { picture } from './picture.ts';
import type { LeafPlan, StackPlan } from './plan.ts';
import { collect, feed } from './program-streams.ts';
import { StackError } from './stack-error.ts';
import { saveStack } from './stack-image.ts';

/** What a program is started with; absent parts come from the config. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** `env` is all there is: nothing from the config, and no default PATH and HOME. */
  readonly onlyEnv?: boolean;
  readonly cwd?: string;
  /** Which domain; needed only where there are several. */
  readonly domain?: string;
}

export interface CollectOptions extends RunOptions {
  /** What the program reads; default: nothing. */
  readonly stdin?: string | Uint8Array;
  /** Most bytes kept of each output; more ends the program with SIGPIPE's error. Default 64 MiB. */
  readonly outputBytesMax?: number;
}

export interface SpawnOptions extends RunOptions {
  /** A terminal of this size instead of three pipes. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
}

/** A program that ended, with all it said. */
export interface RunResult {
  readonly exit: ProcessExit;
  /** As a shell has it: the code, or 128 + the signal's number. */
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** stdout as UTF-8. */
  readonly text: string;
}

/** The parts of a started stack, as `start` has put them together. */
export interface StackParts {
  readonly plan: StackPlan;
  readonly hardware: Hardware;
  /** The outermost payload: a hypervisor, or with an empty chain the kernel stub itself. */
  readonly payload: Payload;
  /** The saved state of one leaf, as `DomainSpec.from` takes it. */
  readonly saveLeaf: (leaf: LeafPlan) => Promise<Uint8Array>;
  readonly release: () => void;
  /** How to type into the consoles that have a keyboard, by their names in the hardware. */
  readonly keyboards: ReadonlyMap<string, (bytes: Uint8Array) => number>;
}

export interface StackEvents {
  /** Bytes on a domain's console: the machine's log. */
  console: [bytes: Uint8Array];
  /** The stack cannot go on. */
  failed: [error: Error];
  stopped: [];
}

/** A running stack: all that the command line uses, and all that an embedder needs. */
export class Stack extends EventEmitter<StackEvents> implements AsyncDisposable {
  readonly plan: StackPlan;
  /** Settles, with the reason, if the stack cannot go on: what `failed` says, for those who come late. */
  readonly failed: Promise<Error>;
  private readonly sessions = new Map<string, Session>();
  private readonly levels: Levels;
  private stopping: Promise<void> | undefined;

  constructor(private readonly parts: StackParts) {
    super();
    this.plan = parts.plan;
    this.levels = new Levels(parts.plan, parts.payload as Partial<Hypervisor>);
    this.failed = new Promise((resolve) => this.once('failed', resolve));
    void parts.hardware.executor.failed.then((error) => this.emit('failed', error));
    for (const [name, domain] of (parts.payload as Partial<Hypervisor>).domains ?? []) {
      void domain.stopped.then(({ reason, message }) => {
        if (reason === 'crashed' || reason === 'lost') this.emit('failed', new StackError(`domain '${name}' ${reason}: ${message}`));
      });
    }
  }

  get machine(): Machine {
    return this.parts.hardware.machine;
  }

  /** The tiers as a picture of boxes. */
  override toString(): string {
    return picture(this.plan);
  }

  /** Programs and files of a domain. */
  session(domain?: string): Session {
    const leaf = this.leaf(domain);
    const open = this.sessions.get(leaf.name);
    if (open !== undefined) return open;
    const { client: near, server: far } = createPair();
    const served = this.serve('session', far, leaf.name);
    if (served < 0) throw new StackError(`domain '${leaf.name}' offers no session`, 'its payload may have stopped');
    const session = new SessionClient(near);
    this.sessions.set(leaf.name, session);
    return session;
  }

  /** Connects a channel with a service of a domain's payload, such as `session`. -ENOENT if it has none of that name. */
  serve(service: string, channel: Channel, domain?: string): Result {
    return this.parts.payload.serve([...this.leaf(domain).route, service].join('/'), channel);
  }

  /** Files of a domain: `read`, `write`, `list`, `stat`, `mkdir`, `remove`. */
  get files(): Session {
    return this.session();
  }

  /**
   * Types into a console of the config's `devices`, for the domain that its `input` names; bytes taken: none before that domain has opened it, fewer when
   * 64 KiB wait already.
   */
  type(console: string, bytes: Uint8Array): number {
    const shared = this.plan.shared.filter(({ device }) => this.parts.keyboards.has(device));
    const type = this.parts.keyboards.get(shared.find(({ name }) => name === console)?.device ?? '');
    if (type !== undefined) return type(bytes);
    throw new StackError(
      `there is no console '${console}' that anybody may type into`,
      suggestion(
        console,
        shared.map(({ name }) => name),
      ),
    );
  }

  /** Starts a program and gives its streams. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<GuestProcess> {
    const leaf = this.leaf(options.domain);
    const size = options.terminal;
    return this.session(leaf.name).run({
      argv,
      env: options.onlyEnv === true ? { ...options.env } : { ...leaf.env, ...options.env },
      cwd: options.cwd ?? leaf.workdir,
      tty: size !== undefined,
      ...(size === undefined ? {} : size),
    });
  }

  /** Runs a program to its end. Rejects with a session error whose `code` is ENOENT, EACCES, ENOEXEC … if it could not be started. */
  async run(argv: readonly string[], options: CollectOptions = {}): Promise<RunResult> {
    const program = await this.spawn(argv, options);
    const limit = options.outputBytesMax ?? 64 * 2 ** 20;
    const [stdout, stderr, exit] = await Promise.all([
      collect(program.outputOf(1), limit),
      collect(program.outputOf(2), limit),
      program.exit,
      feed(program, options.stdin ?? ''),
    ]);
    return { exit, status: statusOf(exit), stdout, stderr, text: new TextDecoder().decode(stdout) };
  }

  /** Virtual-time hardware only: retires exactly `instructions` guest instructions and stops there. */
  async advance(instructions: number): Promise<number> {
    await this.parts.hardware.executor.quiesce();
    const used = await this.parts.hardware.executor.advance(this.parts.payload, instructions);
    if (used < 0) throw new StackError('this hardware cannot stop at an instruction', 'use `hardware: sim`');
    return used;
  }

  /** Goes on after `advance` or `quiesce`. */
  resume(): void {
    this.parts.hardware.executor.resume();
  }

  /** Starts no step until `resume`. */
  quiesce(): Promise<void> {
    return this.parts.hardware.executor.quiesce();
  }

  /** Everything a guest could notice, as one machine image: `start(config, { from })` goes on with it, under any chain of hypervisors. */
  save(): Promise<Uint8Array> {
    return saveStack(this.parts, (leaf) => this.parts.saveLeaf(leaf));
  }

  /** What the outermost domains used so far. */
  statistics(): Readonly<Record<string, DomainUsage>> {
    const domains = (this.parts.payload as Partial<Hypervisor>).domains;
    return domains === undefined ? {} : Object.fromEntries([...domains].map(([name, domain]) => [name, domain.usage()]));
  }

  /** What every domain used so far, from the outermost in: each level of each chain once. */
  usage(): Promise<readonly LevelUsage[]> {
    return this.levels.usage();
  }

  /** What the programs of a domain executed so far, if the stack was started with `profileInterval`. */
  async profile(domain?: string): Promise<CpuProfile> {
    const profile = await this.document('profile', domain);
    if (profile === undefined) throw new StackError('no profile is taken', 'start the stack with profileInterval');
    return profile as CpuProfile;
  }

  /** What the CPUs of a domain's thread did so far, for all domains in it, by instruction set. Names are the CPU plugin's own. */
  async counters(domain?: string): Promise<CpuCounters> {
    return ((await this.document('counters', domain)) ?? {}) as CpuCounters;
  }

  /** Settles when a domain that this one is in, or itself, ended: `crashed` and `lost` say why. Ask before it happens. */
  stopped(domain?: string): Promise<LevelStop> {
    return this.levels.stopped(this.leaf(domain));
  }

  /** Ends every program and gives everything back. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async end(): Promise<void> {
    const { hardware, payload, release } = this.parts;
    this.levels.close();
    await hardware.executor.halt();
    for (const session of this.sessions.values()) void session.close().catch(() => undefined);
    const domains = (payload as Partial<Hypervisor>).domains;
    await Promise.all([...(domains?.values() ?? [])].map((domain) => domain.destroy()));
    payload.stop();
    await hardware.close();
    release();
    this.emit('stopped');
  }

  /** What a service of a domain answers with; undefined if there is none of that name. */
  private async document(service: string, domain: string | undefined): Promise<unknown> {
    const { client: near, server: far } = createPair();
    const received = receiveDocument(near);
    received.catch(() => undefined);
    if (this.serve(service, far, domain) < 0) return undefined;
    const bytes = await received;
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  }

  private leaf(domain: string | undefined): LeafPlan {
    const { leaves } = this.plan;
    const names = leaves.map(({ name }) => name).join(', ');
    const found = domain === undefined ? (leaves.length === 1 ? leaves[0] : undefined) : leaves.find(({ name }) => name === domain);
    if (found !== undefined) return found;
    throw domain === undefined
      ? new StackError('the stack has several domains', `name one of: ${names}`)
      : new StackError(`there is no domain '${domain}'`, `the stack has: ${names}`);
  }
}

/** As a shell has it: the code, or 128 + the signal's number. */
export const statusOf = (exit: ProcessExit): number => ('code' in exit ? exit.code : 128 + exit.signal);
