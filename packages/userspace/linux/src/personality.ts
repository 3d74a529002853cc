import { Errno, type GuestAddress, PAGE_BYTES, Prot, type Reply, type Riscv64Context, type Trap, TrapAnswer } from '@ashlar/hardware';
import {
  type CloneSpec,
  type LoadedProgram,
  type LoadRequest,
  type Personality,
  type SignalDelivery,
  SYSTEM_INTERFACE,
  type Task,
  type TaskSystem,
} from '@ashlar/kernel-stub';
import { userspace } from '@ashlar/plugin';
import { SIGFRAME_BYTES, SignalFrame } from './abi/sigframe.ts';
import { Signal } from './abi/structures.ts';
import { Call } from './call.ts';
import { loadElf, SIGRETURN_CODE } from './elf/load.ts';
import { isRiscvElf } from './elf/parse.ts';
import type { CloneNote } from './syscalls/process.ts';
import { GONE, RESTORED, type Syscall } from './syscalls/syscall.ts';
import { SYSCALL_SLOTS, SYSCALL_TABLE } from './syscalls/table.ts';
import { movedSoFar } from './syscalls/transfer.ts';

const SP = 2;
const TP = 4;
const A0 = 10;
const A7 = 17;
const ECALL_BYTES = 4;
const ISA = 'riscv64-user';
/** What even a static program that prints a line cannot do without. */
const NEEDS = ['file', 'memory', 'time', 'system'] as const;

const SA_ONSTACK = 0x0800_0000;
const SA_RESTART = 0x1000_0000;
const SS_DISABLE = 2;

/** si_code values (sigaction(2)). */
const Code = { SEGV_MAPERR: 1, SEGV_ACCERR: 2, BUS_ADRALN: 1, BUS_ADRERR: 2, ILL_ILLOPC: 1, TRAP_BRKPT: 1, SI_KERNEL: 0x80 } as const;

/**
 * riscv64 Linux programs: the ELF loader, the system calls of Linux's generic table, and signal frames as Linux makes them.
 * Holds no state: what it keeps between calls is in the task (`progress`, `note`) and in the context.
 */
@userspace({
  name: 'linux',
  interface: SYSTEM_INTERFACE,
  version: '0.1.0',
  summary: 'riscv64 Linux ELF programs',
  traits: { abi: 'linux', isa: ISA, needs: NEEDS },
})
export class LinuxPersonality implements Personality {
  readonly abi = 'linux';
  readonly isa = ISA;
  readonly needs = NEEDS;
  readonly #call = new Call();
  readonly #frame = new SignalFrame();

  recognises(head: Uint8Array): boolean {
    return isRiscvElf(head);
  }

  load(request: LoadRequest, out: LoadedProgram): Reply {
    return loadElf(request, out);
  }

  onTrap(system: TaskSystem, task: Task, trap: Trap): TrapAnswer {
    if (trap.cause !== 'syscall') return raiseFault(system, task, trap);
    const context = task.context as Riscv64Context;
    const space = task.space;
    const epoch = space.epoch;
    const row = syscallOf(context);
    let reply: Reply = -Errno.ENOSYS;
    if (row !== undefined) {
      this.#call.begin(system, task, context);
      reply = row.call(this.#call);
      if (typeof reply !== 'number') {
        task.parked = reply;
        return TrapAnswer.LEAVE;
      }
    }
    if (reply === GONE) return TrapAnswer.LEAVE;
    if (task.progress !== undefined) task.progress = undefined;
    if (task.callNote !== undefined) task.callNote = undefined;
    if (reply !== RESTORED) {
      context.writeNumber(A0, reply);
      context.pc = (context.pc + ECALL_BYTES) as GuestAddress;
    }
    return task.attention || task.space !== space || space.epoch !== epoch ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
  }

  /** A riscv64 program never returns from itself; it calls exit. */
  onHalt(system: TaskSystem, task: Task): void {
    system.exitGroup(task, 0);
  }

  deliver(system: TaskSystem, task: Task, delivery: SignalDelivery): Reply {
    const context = task.context as Riscv64Context;
    const sigreturn = sigreturnAddress(task);
    const { action, altStack, info } = delivery;
    const frameAt = framePosition(context.readUnsigned(SP), action.flags, altStack);
    if (frameAt < 0) return frameAt;
    const stack = {
      base: altStack?.base ?? 0,
      bytes: altStack?.bytes ?? 0,
      flags: altStack === undefined ? SS_DISABLE : 0,
    };
    this.#call.begin(system, task, context);
    const moved = delivery.parked ? movedSoFar(task) : 0;
    const failing = delivery.parked && moved === 0 ? this.#failing(action.flags) : undefined;
    this.#frame.fill(context, info, delivery.oldMaskLow, delivery.oldMaskHigh, stack);
    if (moved > 0) this.#frame.finishCall(context.pc, moved);
    else if (failing !== undefined) this.#frame.finishCall(context.pc, -Errno.EINTR);
    const written = task.space.copyOut(frameAt as GuestAddress, this.#frame.bytes);
    if (typeof written !== 'number') return written;
    if (written !== SIGFRAME_BYTES) return -Errno.EFAULT;
    if (failing?.onFailure !== undefined) failing.onFailure(this.#call);
    task.progress = undefined;
    task.callNote = undefined;
    SignalFrame.enter(context, frameAt, info.signal, action.handler, sigreturn);
    return 0;
  }

  cloned(parent: Task, child: Task, spec: CloneSpec): void {
    const context = child.context as Riscv64Context;
    const { stack, threadPointer } = spec.note as unknown as CloneNote;
    context.writeNumber(A0, 0);
    if (stack !== 0) context.writeNumber(SP, stack);
    if (threadPointer !== null) context.writeNumber(TP, threadPointer);
    context.pc = ((parent.context as Riscv64Context).pc + ECALL_BYTES) as GuestAddress;
  }

  /** The row of the parked call, if it is to fail with -EINTR rather than be made again. */
  #failing(flags: number): Syscall | undefined {
    const row = syscallOf(this.#call.context);
    if (row === undefined) return undefined;
    const rule = typeof row.interrupted === 'string' ? row.interrupted : row.interrupted(this.#call);
    return rule === 'restart' && (flags & SA_RESTART) !== 0 ? undefined : row;
  }
}

/** The row that a7 names. */
function syscallOf(context: Riscv64Context): Syscall | undefined {
  const number = context.readLow(A7);
  return number >= 0 && number < SYSCALL_SLOTS && context.readHigh(A7) === 0 ? SYSCALL_TABLE[number] : undefined;
}

/** Turns a fault into the signal that Linux raises for it. */
function raiseFault(system: TaskSystem, task: Task, trap: Trap): TrapAnswer {
  const [signal, code] = signalOf(trap);
  // Of a misaligned atomic access, Linux tells where the instruction is (arch/riscv/kernel/traps.c).
  const address = trap.reason === 'misaligned' ? (task.context as Riscv64Context).pc : trap.address;
  system.raise(task, { signal, code, pid: 0, uid: 0, address, status: 0 });
  return TrapAnswer.LEAVE;
}

function signalOf(trap: Trap): readonly [signal: number, code: number] {
  switch (trap.cause) {
    case 'illegal':
      return [Signal.ILL, Code.ILL_ILLOPC];
    case 'breakpoint':
      return [Signal.TRAP, Code.TRAP_BRKPT];
    case 'nomemory':
      // Linux's out-of-memory killer: no handler could run either.
      return [Signal.KILL, Code.SI_KERNEL];
    default:
      if (trap.reason === 'misaligned') return [Signal.BUS, Code.BUS_ADRALN];
      if (trap.reason === 'past-end') return [Signal.BUS, Code.BUS_ADRERR];
      return [Signal.SEGV, trap.reason === 'protection' ? Code.SEGV_ACCERR : Code.SEGV_MAPERR];
  }
}

/** Where the frame goes: on the alternate stack if asked for and not on it already; -EFAULT if it would run over that stack's end. */
function framePosition(pointer: number, flags: number, alternate: SignalDelivery['altStack']): number {
  const onStack = alternate !== undefined && pointer > alternate.base && pointer - alternate.base <= alternate.bytes;
  const switching = alternate !== undefined && (flags & SA_ONSTACK) !== 0 && !onStack;
  const top = switching ? alternate.base + alternate.bytes : pointer;
  const at = Math.floor((top - SIGFRAME_BYTES) / 16) * 16;
  const overrun = (switching || onStack) && at < alternate.base;
  return overrun || at < 0 ? -Errno.EFAULT : at;
}

/**
 * The page that handlers return to. The loader put it into the space; it is found by what it is, once, and then remembered in the note,
 * which threads and forks inherit.
 */
function sigreturnAddress(task: Task): number {
  if (typeof task.note === 'number') return task.note;
  const code = new Uint8Array(SIGRETURN_CODE.length);
  for (const mapping of task.space.mappings()) {
    if (mapping.bytes !== PAGE_BYTES || mapping.prot !== (Prot.READ | Prot.EXEC) || mapping.backing !== undefined) continue;
    if (task.space.copyIn(mapping.start, code) !== code.length || !code.every((byte, index) => byte === SIGRETURN_CODE[index])) continue;
    task.note = mapping.start;
    return mapping.start;
  }
  // The program unmapped it: its handler will fault on return, as on Linux.
  return 0;
}
