import {
  type AddressSpace,
  type Context,
  type Cpu,
  type CpuTraits,
  Errno,
  type Exit,
  type MemoryAccount,
  type PartReader,
  type PartWriter,
  type Plain,
  type Reply,
  type Result,
  type Trap,
  TrapAnswer,
  type TrapHandler,
  type Wait,
} from '@ashlar/hardware';
import type { CloneSpec, LoadedProgram, LoadRequest, Personality, SignalDelivery, Task, TaskSystem } from '@ashlar/kernel-stub';
import { BytesIo } from '../io.ts';
import { MAP_START, scriptedSpace } from './scripted-space.ts';

/**
 * One "instruction" of a scripted program: usually one call of TaskSystem. What it returns is the result that the next one finds in `r`; a wait
 * parks it, and it is asked again. `undefined`: the call does not return (exit, exec).
 */
export type Instruction = (guest: Guest) => Reply | undefined;
export type Program = readonly Instruction[];

/** What an instruction sees. */
export class Guest {
  readonly system: TaskSystem;
  readonly task: Task;
  readonly context: ScriptedContext;

  constructor(system: TaskSystem, task: Task) {
    this.system = system;
    this.task = task;
    this.context = task.context as unknown as ScriptedContext;
  }

  /** Result of the instruction before. */
  get r(): number {
    return this.context.result;
  }

  /** Numbers that the program keeps; copied by fork. */
  get kept(): Record<string, number> {
    return this.context.kept;
  }

  keep(name: string, value: number): number {
    this.kept[name] = value;
    return 0;
  }

  /** The next instruction is number `to`. */
  jump(to: number): number {
    this.context.pc = to - 1;
    return this.r;
  }

  write(fd: number, text: string): Reply {
    return this.system.write(this.task, fd, new BytesIo(new TextEncoder().encode(text)));
  }

  /** Reads up to `most` bytes and adds them to the context's text. */
  read(fd: number, most: number): Reply {
    const bytes = new Uint8Array(most);
    const reply = this.system.read(this.task, fd, new BytesIo(bytes));
    if (typeof reply === 'number' && reply > 0) this.context.text += new TextDecoder().decode(bytes.subarray(0, reply));
    return reply;
  }

  exec(path: string, ...argv: string[]): Reply | undefined {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const reply = this.system.execve(this.task, -100, bytes(path), [path, ...argv].map(bytes), [], 0);
    return reply === 0 ? undefined : reply;
  }

  fork(spec: Partial<CloneSpec> = {}): Reply {
    return this.system.clone(this.task, { ...FORK, ...spec });
  }

  exit(code: number): undefined {
    this.system.exitGroup(this.task, code);
    return undefined;
  }
}

/** Does both, and gives what the second gave. */
export const inTurn = <T>(_first: unknown, second: T): T => second;

export const FORK: CloneSpec = {
  thread: false,
  shareMemory: false,
  shareFiles: false,
  shareDirectories: false,
  shareSignals: false,
  vfork: false,
  exitSignal: 17,
  parentTidAt: 0,
  childTidAt: 0,
  clearTidAt: 0,
  note: null,
};

export const THREAD: Partial<CloneSpec> = {
  thread: true,
  shareMemory: true,
  shareFiles: true,
  shareDirectories: true,
  shareSignals: true,
  exitSignal: 0,
};

interface Frame {
  readonly signal: number;
  readonly low: number;
  readonly high: number;
}

/** Registers of a scripted program. */
export class ScriptedContext implements Context {
  readonly isa = 'riscv64-user';
  retired = 0;
  program = '';
  pc = 0;
  result = 0;
  text = '';
  kept: Record<string, number> = {};
  argv: readonly string[] = [];
  /** Handlers entered and not yet returned from. */
  frames: Frame[] = [];
  destroyed = false;

  copy(): ScriptedContext {
    const other = new ScriptedContext();
    Object.assign(other, this.#state());
    other.kept = { ...this.kept };
    other.frames = [...this.frames];
    return other;
  }

  save(out: PartWriter): Reply {
    out.put('state', this.#state() as unknown as Plain);
    return 0;
  }

  restore(part: PartReader): Reply {
    Object.assign(this, part.get('state'));
    return 0;
  }

  destroy(): void {
    this.destroyed = true;
  }

  #state(): object {
    const { retired, program, pc, result, text, kept, argv, frames } = this;
    return { retired, program, pc, result, text, kept, argv, frames };
  }
}

const NO_TRAP = { cause: 'syscall', address: 0, access: 'read', reason: 'none' } as unknown as Trap;

/** Runs scripted programs: every instruction traps, and counts as one when it is completed. */
export class ScriptedCpu implements Cpu {
  readonly isa = 'riscv64-user';
  readonly traits: CpuTraits = { sync: true, exactBudget: true, preemptible: true, saveable: true, forkable: true, dirty: 'none' };
  readonly programs: ReadonlyMap<string, Program>;

  constructor(programs: ReadonlyMap<string, Program>) {
    this.programs = programs;
  }

  space(account: MemoryAccount): AddressSpace {
    return scriptedSpace(account);
  }

  context(): Context {
    return new ScriptedContext();
  }

  clone(from: Context): Context {
    return (from as ScriptedContext).copy();
  }

  run(context: Context, _space: AddressSpace, onTrap: TrapHandler, budget: number): Exit {
    const scripted = context as ScriptedContext;
    const program = this.programs.get(scripted.program) ?? [];
    const end = scripted.retired + budget;
    while (scripted.retired < end) {
      if (scripted.pc >= program.length && scripted.frames.length === 0) return 'halted';
      if (onTrap(context, NO_TRAP) === TrapAnswer.LEAVE) return 'left';
    }
    return 'budget';
  }

  stall(): Wait {
    return { on: [] };
  }

  interrupt(): void {}
}

const SA_RESTART = 0x10000000;

/** Files that begin with `%script NAME` run the program of that name; handlers are instructions found by the action's number. */
export class ScriptedPersonality implements Personality {
  readonly abi = 'script';
  readonly isa = 'riscv64-user';
  readonly needs = [];
  readonly programs: ReadonlyMap<string, Program>;
  readonly handlers = new Map<number, (guest: Guest, signal: number) => void>();

  constructor(programs: ReadonlyMap<string, Program>) {
    this.programs = programs;
  }

  recognises(head: Uint8Array): boolean {
    return new TextDecoder().decode(head).startsWith('%script ');
  }

  load(request: LoadRequest, out: LoadedProgram): Reply {
    const head = new Uint8Array(64);
    const count = request.file.read(0, head);
    if (typeof count !== 'number' || count < 0) return count;
    const name = new TextDecoder().decode(head.subarray(8, count)).trim();
    const cpu = request.cpu(this.isa);
    if (cpu === undefined || !this.programs.has(name)) return -Errno.ENOEXEC;
    out.space = cpu.space(request.account) as AddressSpace;
    const context = cpu.context(out.space) as ScriptedContext;
    context.program = name;
    context.argv = request.argv.map((argument) => new TextDecoder().decode(argument));
    out.context = context;
    out.heapStart = 0x8_0000 as never;
    out.mapStart = MAP_START;
    return 0;
  }

  onTrap(system: TaskSystem, task: Task, _trap: Trap): TrapAnswer {
    const guest = new Guest(system, task);
    const { context } = guest;
    const frame = context.frames.at(-1);
    if (frame !== undefined) {
      context.frames.pop();
      this.handlers.get(frame.signal)?.(guest, frame.signal);
      system.signalReturn(task, frame.low, frame.high);
      context.retired++;
      return TrapAnswer.LEAVE;
    }
    const instruction = this.programs.get(context.program)?.[context.pc] as Instruction;
    const reply = instruction(guest);
    if (reply === undefined) return TrapAnswer.LEAVE;
    if (typeof reply !== 'number') {
      task.parked = reply;
      return TrapAnswer.LEAVE;
    }
    this.#complete(task, context, reply);
    return task.attention ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
  }

  onHalt(system: TaskSystem, task: Task): void {
    system.exitGroup(task, (task.context as ScriptedContext).result);
  }

  deliver(_system: TaskSystem, task: Task, delivery: SignalDelivery): Reply {
    const context = task.context as ScriptedContext;
    if (delivery.parked && (delivery.action.flags & SA_RESTART) === 0) this.#complete(task, context, -Errno.EINTR);
    context.frames.push({ signal: delivery.info.signal, low: delivery.oldMaskLow, high: delivery.oldMaskHigh });
    return 0;
  }

  cloned(_parent: Task, child: Task, spec: CloneSpec): void {
    const context = child.context as ScriptedContext;
    context.result = 0;
    context.retired = 0;
    context.pc = typeof spec.note === 'number' ? spec.note : context.pc + 1;
  }

  #complete(task: Task, context: ScriptedContext, result: Result): void {
    context.result = result;
    context.pc++;
    context.retired++;
    task.progress = undefined;
  }
}
