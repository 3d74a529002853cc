import {
  type AddressSpace,
  type Context,
  type Cpu,
  Errno,
  type Reply,
  type Trap,
  TrapAnswer,
  type Wait,
  type Wasm32Context,
  type Wasm32Import,
} from '@ashlar/hardware';
import {
  type CloneSpec,
  type LoadedProgram,
  type LoadRequest,
  type Personality,
  type ProgramFile,
  type SignalDelivery,
  SYSTEM_INTERFACE,
  type Task,
  type TaskSystem,
} from '@ashlar/kernel-stub';
import { userspace } from '@ashlar/plugin';
import { Call, GONE } from './call.ts';
import { WASI_ENOSYS, wasiErrno } from './errno.ts';
import { startNote } from './process.ts';
import { type Entry, entryOf } from './table.ts';

const ISA = 'wasm32';
const NEEDS = ['file', 'time', 'system'] as const;
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
/** Largest module. */
const MODULE_BYTES_MAX = 128 << 20;
const READ_BYTES = 1 << 20;
/** Read at one asking: some milliseconds. */
const READ_BYTES_MAX = 4 << 20;
/** Goes on in the next step. */
const AGAIN: Wait = { on: [], until: { sec: 0, nsec: 0 } };

/** A module of which the first `bytes` bytes were read. */
interface Loading {
  readonly code: Uint8Array;
  bytes: number;
}

/** Signals of faults, and si_code (sigaction(2)). */
const SIGILL = 4;
const SIGKILL = 9;
const SIGSEGV = 11;
const SIGSYS = 31;
const SEGV_MAPERR = 1;
const ILL_ILLOPC = 1;
const SI_KERNEL = 0x80;

/**
 * WASI commands: wasm modules that import from `wasi_snapshot_preview1` or `wasi_unstable` and export `_start`.
 *
 * A program has no signal handlers, no fork and no exec: signals act by default. What it was started with is in its context's note; a call of
 * several operations keeps in the task's note how far it is.
 */
@userspace({
  name: 'wasi',
  interface: SYSTEM_INTERFACE,
  version: '0.1.0',
  summary: 'WASI preview 1 commands',
  traits: { abi: 'wasi', isa: ISA, needs: NEEDS },
})
export class WasiPersonality implements Personality {
  readonly abi = 'wasi';
  readonly isa = ISA;
  readonly needs = NEEDS;
  readonly #call = new Call();
  /** What each import of a module is, found when the first call of a program is made. */
  readonly #entries = new WeakMap<readonly Wasm32Import[], readonly Entry[]>();
  /** Modules of loads that wait. Lost with whoever asks no more, or anew after a restore: only work is lost. */
  readonly #loading = new WeakMap<ProgramFile, Loading>();

  recognises(head: Uint8Array): boolean {
    return MAGIC.every((byte, at) => head[at] === byte);
  }

  load(request: LoadRequest, out: LoadedProgram): Reply {
    const cpu = request.cpu(ISA);
    const { file } = request;
    if (!cpu || file.size > MODULE_BYTES_MAX) return -Errno.ENOEXEC;
    const loading = this.#loading.get(file) ?? { code: new Uint8Array(file.size), bytes: 0 };
    const read = readModule(file, loading);
    const reply = read === 0 ? this.#start(request, cpu, loading.code, out) : read;
    if (typeof reply === 'number') this.#loading.delete(file);
    else this.#loading.set(file, loading);
    return reply;
  }

  #start(request: LoadRequest, cpu: Cpu, code: Uint8Array, out: LoadedProgram): Reply {
    const space = cpu.space(request.account);
    if (typeof space === 'number') return space;
    const context = cpu.context(space, code);
    if (typeof context === 'number' || 'on' in context) {
      space.destroy();
      return context;
    }
    (context as Wasm32Context).note = startNote({ argv: request.argv.map(copy), env: request.env.map(copy) });
    fill(out, context, space);
    return 0;
  }

  onTrap(system: TaskSystem, task: Task, trap: Trap): TrapAnswer {
    if (trap.cause !== 'syscall') return fault(system, task, trap);
    const context = task.context as Wasm32Context;
    const entry = this.#entriesOf(context)[context.importIndex]!;
    if (!entry.function) return unknown(system, task, context, entry);
    this.#call.begin(system, task, context, entry.unstable);
    const reply = entry.function(this.#call);
    if (typeof reply !== 'number') {
      task.parked = reply;
      return TrapAnswer.LEAVE;
    }
    if (reply === GONE) return TrapAnswer.LEAVE;
    if (task.callNote !== undefined) task.callNote = undefined;
    if (task.progress !== undefined) task.progress = undefined;
    context.results[0] = reply < 0 ? wasiErrno(reply) : 0;
    context.complete();
    return task.attention ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
  }

  #entriesOf(context: Wasm32Context): readonly Entry[] {
    let entries = this.#entries.get(context.imports);
    if (!entries) {
      entries = context.imports.map(entryOf);
      this.#entries.set(context.imports, entries);
    }
    return entries;
  }

  onHalt(system: TaskSystem, task: Task): void {
    system.exitGroup(task, 0);
  }

  /** Never asked: a program cannot install a handler. */
  deliver(_system: TaskSystem, _task: Task, _delivery: SignalDelivery): Reply {
    return -Errno.EFAULT;
  }

  /** Never asked: a program cannot clone. */
  cloned(_parent: Task, _child: Task, _spec: CloneSpec): void {}
}

const copy = (bytes: Uint8Array): Uint8Array => bytes.slice();

function fill(out: LoadedProgram, context: Context, space: AddressSpace): void {
  out.context = context;
  out.space = space;
  out.heapStart = 0 as LoadedProgram['heapStart'];
  out.mapStart = 0 as LoadedProgram['mapStart'];
}

/** Reads on. 0: all of it is there; else an errno, or a wait. */
function readModule(file: ProgramFile, loading: Loading): Reply {
  const { code } = loading;
  const end = Math.min(code.length, loading.bytes + READ_BYTES_MAX);
  while (loading.bytes < end) {
    const moved = file.read(loading.bytes, code.subarray(loading.bytes, Math.min(end, loading.bytes + READ_BYTES)));
    if (typeof moved !== 'number' || moved < 0) return moved;
    if (moved === 0) return -Errno.ENOEXEC;
    loading.bytes += moved;
  }
  return loading.bytes < code.length ? AGAIN : 0;
}

/** An import that is no function of WASI: ENOSYS where the program can be told so, else SIGSYS. */
function unknown(system: TaskSystem, task: Task, context: Wasm32Context, entry: Entry): TrapAnswer {
  if (!entry.answersErrno) {
    system.raise(task, { signal: SIGSYS, code: SI_KERNEL, pid: 0, uid: 0, address: 0, status: 0 });
    return TrapAnswer.LEAVE;
  }
  context.results[0] = WASI_ENOSYS;
  context.complete();
  return task.attention ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
}

function fault(system: TaskSystem, task: Task, trap: Trap): TrapAnswer {
  const [signal, code] =
    trap.cause === 'fault' ? [SIGSEGV, SEGV_MAPERR] : trap.cause === 'nomemory' ? [SIGKILL, SI_KERNEL] : [SIGILL, ILL_ILLOPC];
  system.raise(task, { signal, code, pid: 0, uid: 0, address: trap.address, status: 0 });
  return TrapAnswer.LEAVE;
}
