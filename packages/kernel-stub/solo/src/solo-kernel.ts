import type { Exit, Isa, Machine, PartReader, PartWriter, Plain, Reply, Result, Step } from '@ashlar/hardware';
import { Errno, FileType, ROOT_NODE } from '@ashlar/hardware';
import type { FeatureGroup, KernelStub, LoadedProgram, Personality, SpawnSpec, Status, System, Task } from '@ashlar/kernel-stub';
import { kernelStub, LowerMachine } from '@ashlar/plugin';
import { Root, Stream } from './opened.ts';
import { SoloCalls, soloSystem } from './solo-calls.ts';

const FEATURES: readonly FeatureGroup[] = ['file', 'memory', 'time', 'system'];
const [SIGKILL, SIGSYS] = [9, 31];
type End = Parameters<System['wait']>[1];
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const newStatus = () => ({ atime: { sec: 0, nsec: 0 }, mtime: { sec: 0, nsec: 0 }, ctime: { sec: 0, nsec: 0 } }) as Status;
const isProgram = ({ mode }: Status): boolean => (mode & FileType.MASK) === FileType.REGULAR && (mode & 0o111) !== 0;

/** An operating system for one program: streams, clock, entropy, memory, read-only files. How small one can be that only runs on a hypervisor. */
@kernelStub({ name: 'solo', interface: '1', version: '0.1.0', summary: 'one task', inject: [LowerMachine], traits: { features: FEATURES } })
export class SoloKernel implements KernelStub {
  readonly schema = 'solo/1';
  readonly system: System;
  readonly #root: Root;
  readonly #streams: readonly Stream[];
  readonly #calls: SoloCalls;
  readonly #personalities: Personality[] = [];
  #personality: Personality | undefined;
  #task: Task | undefined;
  #file: Parameters<Personality['load']>[0]['file'] | undefined;
  /** Of the one program that there is at a time, until it is released. */
  #now: { pid: number; tag: number; end: End | null } = { pid: 0, tag: 0, end: null };
  constructor(private readonly machine: Machine) {
    this.#root = new Root(machine);
    const key = machine.events.allocate();
    this.#streams = [0, 1, 2].map(() => new Stream({ events: machine.events, key }));
    const end = (code: number, signal: number): Result => this.#finish(code, signal);
    this.#calls = new SoloCalls({ machine, root: this.#root, streams: this.#streams, end });
    const refuse = (task: Task, refused: string): Result =>
      this.#finish(0, SIGSYS, Object.assign(task, { attention: true }) && ({ refused } as End));
    const none = (): Result => -Errno.ENOSYS;
    this.system = {
      features: new Set(FEATURES),
      tasks: soloSystem(this.#calls, refuse),
      nativeAbis: [],
      spawn: (tag, spec) => (tag === this.#now.tag ? this.#now.pid : this.#spawn(tag, spec)),
      signal: (pid, signal) => (pid !== this.#now.pid || this.#now.end !== null ? -Errno.ESRCH : signal && this.#finish(0, signal)),
      wait: (pid, out) =>
        pid !== this.#now.pid || !this.#personality ? -Errno.ESRCH : this.#now.end ? Object.assign(out, this.#now.end) && 0 : { on: [key] },
      stdio: (pid, fd) => (pid === this.#now.pid ? this.#streams[fd] : undefined),
      release: (pid) => {
        if (pid === this.#now.pid && this.#now.end && this.#after(0, undefined)) this.#personality = undefined;
      },
      resize: none,
      files: { open: none, read: none, write: none, close: none, list: none, stat: none, mkdir: none, remove: none },
    };
  }

  install = (personalities: readonly Personality[]): number => this.#personalities.push(...personalities);
  serve = (): Result => -Errno.ENOENT;
  stop = (): Reply => this.#finish(0, SIGKILL);

  #spawn(tag: number, spec: SpawnSpec): Reply {
    const { machine } = this;
    const [found, path] = [newStatus(), spec.argv[0] ?? ''];
    const reply = this.#personality ? -Errno.EAGAIN : spec.tty ? -Errno.ENOTTY : this.#root.find(ROOT_NODE, path, found);
    if (reply !== 0) return reply;
    const [backing, head] = [this.#root.backing(`solo:${found.node}`), new Uint8Array(256)];
    const read = isProgram(found) ? backing.read(0, head) : -Errno.EACCES;
    if (typeof read !== 'number' || read < 0) return read;
    const personality = this.#personalities.find((each) => each.recognises(head.subarray(0, read)));
    const [env, out] = [Object.entries(spec.env).map(([name, value]) => utf8(`${name}=${value}`)), {} as LoadedProgram];
    const same = this.#file?.backing.id === backing.id && this.#file.size === found.size;
    this.#file = same ? this.#file! : { path, size: found.size, backing, read: backing.read };
    const program = { file: this.#file, argv: spec.argv.map(utf8), env, execPath: utf8(path) };
    const from = { account: machine.memory, cpu: (isa: Isa) => machine.cpu(isa), random: (to: Uint8Array) => machine.entropy(to) };
    const loaded = personality?.load({ ...program, ...from, open: () => -Errno.ENOSYS }, out) ?? -Errno.ENOEXEC;
    if (loaded !== 0 || personality === undefined) return loaded;
    this.#calls.areas = { heapStart: out.heapStart, heapEnd: out.heapStart, mapStart: out.mapStart };
    this.#calls.opened = [0, 1, 2].map((at) => ({ node: 0, at }));
    for (const stream of this.#streams) Object.assign(stream, { bytes: new Uint8Array(0), closed: false });
    this.#begin(personality, out);
    this.#now = { pid: this.#now.pid + 1, tag, end: null };
    return this.#now.pid;
  }
  #begin(by: Personality, { context, space }: Pick<Task, 'context' | 'space'>, [progress, callNote, note]: Task['note'][] = []): void {
    this.#personality = by;
    const records = { stat: newStatus(), values: new Float64Array(32), bytes: new Uint8Array(4096), parked: undefined, attention: false };
    this.#task = { id: 1, group: 1, context, space, ...records, progress, callNote, note };
  }
  #finish(code: number, signal: number, why?: Partial<End>): Result {
    this.#now.end ??= { code: code & 255, signal, ...why };
    for (const stream of this.#streams) stream.close();
    return 0;
  }

  step(budget: number): Step | Promise<Step> {
    const [task, personality, tasks] = [this.#task, this.#personality, this.system.tasks!];
    const cpu = task && this.machine.cpu(task.context.isa);
    if (task === undefined || personality === undefined || cpu === undefined || this.#now.end) return this.#after(0, undefined);
    task.parked = undefined;
    const { retired } = task.context;
    const settle = (exit: Exit): Step => {
      if (exit === 'halted') personality.onHalt(tasks, task);
      if (exit === 'stalled') task.parked = cpu.stall(task.context);
      return this.#after(task.context.retired - retired, task);
    };
    const run = cpu.run(task.context, task.space, (_context, trap) => personality.onTrap(tasks, task, trap), budget);
    return typeof run === 'string' ? settle(run) : run.then(settle);
  }
  /** What an ended program held is given back. */
  #after(used: number, task: Task | undefined): Step {
    if (task !== undefined && !this.#now.end) return { used, wait: task.parked };
    for (const held of [this.#task?.context, this.#task?.space]) held?.destroy();
    this.#task = undefined;
    return { used, wait: { on: [this.#streams[0]!.on.key] } };
  }

  /** All but the program's context and space. */
  private state() {
    const kept = [this.#task?.progress ?? null, this.#task?.callNote ?? null, this.#task?.note ?? null];
    const [{ opened, areas }, streams] = [this.#calls, this.#streams.map(({ bytes, closed }) => ({ bytes, closed }))];
    return { opened, areas, streams, now: this.#now, abi: this.#personality?.abi ?? '', isa: this.#task?.context.isa ?? null, kept };
  }
  save(out: PartWriter): Reply {
    out.put('state', this.state() as unknown as Plain);
    const saved = this.#task?.context.save(out.part('context')) ?? 0;
    return saved === 0 ? (this.#task?.space.save(out.part('space')) ?? 0) : saved;
  }
  restore(part: PartReader): Reply {
    const { streams, now, abi, isa, kept, ...calls } = part.get('state') as unknown as ReturnType<SoloKernel['state']>;
    for (const [fd, stream] of this.#streams.entries()) Object.assign(stream, streams[fd]);
    Object.assign(this.#calls, structuredClone(calls));
    [this.#now, this.#root.ready] = [structuredClone(now), true];
    this.#personality = this.#personalities.find((each) => each.abi === abi);
    if (isa === null || this.#personality === undefined) return isa === null ? 0 : -Errno.EINVAL;
    const cpu = this.machine.cpu(isa);
    const space = cpu?.space(this.machine.memory) ?? -Errno.ENODEV;
    const context = cpu !== undefined && typeof space !== 'number' ? cpu.context(space) : -Errno.ENODEV;
    if (typeof space === 'number' || typeof context === 'number' || 'on' in context) return -Errno.ENODEV;
    const keeps = kept.map((each) => each ?? undefined);
    this.#begin(this.#personality, { context, space }, keeps);
    const restored = context.restore(part.part('context'));
    return restored === 0 ? space.restore(part.part('space'), (id) => this.#root.backing(id)) : restored;
  }
}
