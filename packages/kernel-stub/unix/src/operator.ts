import { Errno, type Plain, type Reply, type Result } from '@ashlar/hardware';
import {
  type ExitStatus,
  FEATURE_GROUPS,
  type FeatureGroup,
  OpenFlag,
  type SpawnSpec,
  type Stdio,
  type System,
  type TaskSystem,
} from '@ashlar/kernel-stub';
import { attachTerminal } from './calls/terminal.ts';
import type { Core } from './core.ts';
import { DescriptorTable } from './descriptor-table.ts';
import { Exec, type Image } from './exec.ts';
import { OperatorCaller } from './operator-caller.ts';
import { UnixOperatorFiles } from './operator-files.ts';
import { type OutsideEnd, PipeInput, PipeOutput, TerminalOutside } from './outside.ts';
import { Pipe, PipeEnd } from './pipe.ts';
import type { Process } from './process.ts';
import { initialLimits } from './resource.ts';
import { SignalActions } from './signal-state.ts';
import { SIGNAL_MAX, SignalCode } from './signals.ts';
import type { Restored } from './state-restore.ts';
import { UnixTask } from './task.ts';
import type { Terminal } from './terminal-device.ts';

/** Programs of the operator that were not released, at most. */
const OPERATED_MAX = 1024;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const INITIAL_UMASK = 0o022;

/** A program that the operator started and has not released. */
export interface Operated {
  readonly tag: number;
  readonly pid: number;
  readonly terminal: Terminal | undefined;
  /** The outside ends of 0, 1 and 2, or of the terminal twice. */
  readonly ends: (OutsideEnd | undefined)[];
}

/** How {@link Operated} is saved: terminals and pipes by their numbers, −1 for none. */
interface SavedOperated {
  readonly tag: number;
  readonly pid: number;
  readonly terminal: number;
  readonly pipes: readonly number[];
  readonly open: readonly boolean[];
}

/** The operator face of System, and init's part in it: what it starts are init's children. */
export class UnixSystem implements System {
  readonly features: ReadonlySet<FeatureGroup> = new Set(FEATURE_GROUPS);
  readonly tasks: TaskSystem;
  readonly nativeAbis: readonly string[] = [];
  readonly files: UnixOperatorFiles;
  /** By pid, in the order of starting. */
  readonly operated = new Map<number, Operated>();
  /** Requests under way, by tag. */
  readonly #callers = new Map<number, OperatorCaller>();
  readonly #core: Core;
  readonly #exec: Exec;

  constructor(core: Core) {
    this.#core = core;
    this.tasks = core.system;
    this.#exec = new Exec(core);
    this.files = new UnixOperatorFiles(core);
  }

  spawn(tag: number, spec: SpawnSpec): Reply {
    for (const operated of this.operated.values()) if (operated.tag === tag) return operated.pid;
    const refused = this.#refuses(tag, spec);
    if (refused < 0) return refused;
    let caller = this.#callers.get(tag);
    if (caller === undefined) {
      caller = new OperatorCaller(this.#core);
      this.#callers.set(tag, caller);
    }
    const reply = this.#start(tag, spec, caller);
    if (typeof reply === 'number') {
      this.#callers.delete(tag);
      caller.close();
    }
    return reply;
  }

  signal(pid: number, signal: number, group: boolean): Result {
    const process = this.#core.processes.get(pid);
    if (process === undefined || process === this.#core.init || process.zombie) return -Errno.ESRCH;
    if (signal < 0 || signal > SIGNAL_MAX) return -Errno.EINVAL;
    if (signal === 0) return 0;
    const info = { signal, code: SignalCode.USER, pid: 0, uid: 0, address: 0, status: 0 };
    return group ? this.#core.signals.sendGroup(process.processGroup, info) : this.#core.signals.send(process, info);
  }

  wait(pid: number, out: ExitStatus): Reply {
    const process = this.operated.has(pid) ? this.#core.processes.get(pid) : undefined;
    if (process === undefined) return -Errno.ESRCH;
    if (!process.zombie || process.status === undefined) return process.childNews.wait;
    out.code = process.status.code;
    out.signal = process.status.signal;
    return 0;
  }

  release(pid: number): void {
    const operated = this.operated.get(pid);
    if (operated === undefined) return;
    this.operated.delete(pid);
    for (const end of operated.ends) end?.close();
    const process = this.#core.processes.get(pid);
    if (process === undefined) return;
    process.kept = false;
    if (process.zombie) this.#core.life.reap(process);
  }

  stdio(pid: number, fd: number): Stdio | undefined {
    return this.operated.get(pid)?.ends[fd];
  }

  resize(pid: number, columns: number, rows: number): Result {
    const terminal = this.operated.get(pid)?.terminal;
    return terminal === undefined ? -Errno.ENOTTY : terminal.resize(columns, rows);
  }

  /** Progress of requests under way: what a repeated request continues from. */
  saveCallers(): Plain {
    return [...this.#callers]
      .filter(([, caller]) => caller.progress !== undefined)
      .map(([tag, { progress }]) => ({ tag, progress: progress as Plain }));
  }

  /** Outside ends, handles and requests, as they were saved. */
  restore(saved: { readonly [key: string]: Plain }, restored: Restored): void {
    for (const record of saved.operated as unknown as readonly SavedOperated[]) {
      const terminal = restored.terminals[record.terminal];
      const outside = terminal === undefined ? undefined : new TerminalOutside(terminal);
      if (outside !== undefined) outside.open = record.open[0] === true;
      const end = (fd: number): OutsideEnd | undefined => {
        const pipe = restored.pipes[record.pipes[fd] ?? -1];
        if (pipe === undefined) return fd < 2 ? outside : undefined;
        return fd === 0 ? new PipeInput(pipe) : new PipeOutput(pipe);
      };
      this.operated.set(record.pid, { tag: record.tag, pid: record.pid, terminal, ends: [end(0), end(1), end(2)] });
    }
    for (const { tag, progress } of saved.callers as unknown as readonly { tag: number; progress: Plain }[]) {
      const caller = new OperatorCaller(this.#core);
      caller.progress = progress;
      this.#callers.set(tag, caller);
    }
    this.files.restore(saved, restored.descriptions);
  }

  #refuses(tag: number, spec: SpawnSpec): Result {
    if (!Number.isInteger(tag) || tag < 1 || spec.argv.length === 0 || !spec.cwd.startsWith('/')) return -Errno.EINVAL;
    return this.operated.size >= OPERATED_MAX || this.#callers.size >= OPERATED_MAX ? -Errno.EAGAIN : 0;
  }

  #start(tag: number, spec: SpawnSpec, caller: OperatorCaller): Reply {
    const encoder = new TextEncoder();
    const cwd = this.#core.files.directory(caller, caller.directories.root, encoder.encode(spec.cwd));
    if (typeof cwd === 'number' || 'on' in cwd) return cwd;
    caller.changeDirectory(cwd);
    const argv = spec.argv.map((argument) => encoder.encode(argument));
    const environment = Object.entries(spec.env).map(([name, value]) => encoder.encode(`${name}=${value}`));
    const image = this.#find(spec, caller, argv, environment);
    if (typeof image === 'number' || 'on' in image) return image;
    return this.#run(tag, spec, caller, image);
  }

  /** execvp(3): a name without `/` is looked for along PATH. */
  #find(spec: SpawnSpec, caller: OperatorCaller, argv: readonly Uint8Array[], environment: readonly Uint8Array[]): Image | Reply {
    const name = spec.argv[0] as string;
    const paths = name.includes('/') ? [name] : (spec.env.PATH ?? DEFAULT_PATH).split(':').map((dir) => `${dir || '.'}/${name}`);
    let denied = false;
    for (const candidate of paths) {
      const path = new TextEncoder().encode(candidate);
      const image = this.#exec.load(caller, { dir: caller.directories.cwd, path, shown: path, argv, environment, flags: 0 });
      if (typeof image !== 'number') return image;
      if (image === -Errno.EACCES) denied = true;
      else if (image !== -Errno.ENOENT && image !== -Errno.ENOTDIR) return image;
    }
    return denied ? -Errno.EACCES : -Errno.ENOENT;
  }

  #run(tag: number, spec: SpawnSpec, caller: OperatorCaller, image: Image): Result {
    const core = this.#core;
    const terminal = spec.tty ? core.files.terminal(spec.columns ?? DEFAULT_COLUMNS, spec.rows ?? DEFAULT_ROWS) : undefined;
    // As a shell without job control starts programs: in init's session and a group that it does not lead. With a terminal it leads both.
    const group = terminal === undefined ? core.newId() : 0;
    const pid = typeof terminal === 'number' ? terminal : group < 0 ? group : core.newId(group);
    if (typeof terminal === 'number' || pid < 0) {
      image.context.destroy();
      if (image.memory.release()) image.memory.destroy();
      image.program.release();
      return pid;
    }
    const descriptors = new DescriptorTable();
    const ends = terminal === undefined ? this.#pipes(descriptors) : this.#terminal(descriptors, terminal);
    const process = core.makeProcess(pid, core.init, caller.credentials, initialLimits());
    process.processGroup = terminal === undefined ? group : pid;
    process.session = terminal === undefined ? core.init.session : pid;
    this.#fill(process, image);
    const directories = { root: caller.directories.root, cwd: caller.directories.cwd, umask: INITIAL_UMASK, references: 1 };
    core.files.hold(directories.root);
    core.files.hold(directories.cwd);
    const task = new UnixTask(pid, process, image, { memory: image.memory, descriptors, directories, actions: new SignalActions() });
    task.name = image.name;
    core.tasks.set(pid, task);
    core.tasksMade++;
    if (terminal !== undefined) {
      attachTerminal(core, pid, terminal);
      terminal.foreground = pid;
    }
    this.operated.set(pid, { tag, pid, terminal, ends });
    core.scheduler.enqueue(task);
    return pid;
  }

  #fill(process: Process, image: Image): void {
    process.kept = true;
    process.executed = true;
    process.executable = image.program;
    process.argv = image.argv;
    process.environment = image.environment;
  }

  #pipes(descriptors: DescriptorTable): OutsideEnd[] {
    const make = (): Pipe => new Pipe(this.#core.serial(), () => this.#core.queue());
    const [input, output, errors] = [make(), make(), make()];
    const ends = [new PipeInput(input), new PipeOutput(output), new PipeOutput(errors)];
    descriptors.set(0, new PipeEnd(input, OpenFlag.READ_ONLY, undefined), false);
    descriptors.set(1, new PipeEnd(output, OpenFlag.WRITE_ONLY, undefined), false);
    descriptors.set(2, new PipeEnd(errors, OpenFlag.WRITE_ONLY, undefined), false);
    return ends;
  }

  #terminal(descriptors: DescriptorTable, terminal: Terminal): (OutsideEnd | undefined)[] {
    const inside = terminal.open(OpenFlag.READ_WRITE);
    descriptors.set(0, inside, false);
    descriptors.set(1, inside.hold(), false);
    descriptors.set(2, inside.hold(), false);
    const outside = new TerminalOutside(terminal);
    return [outside, outside, undefined];
  }
}
