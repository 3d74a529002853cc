import type {
  AddressSpace,
  Backing,
  Context,
  Cpu,
  GuestAddress,
  Instant,
  Isa,
  MemoryAccount,
  Payload,
  Plain,
  Reply,
  Result,
  Trap,
  TrapAnswer,
} from '@ashlar/hardware';
import type { FeatureGroup } from './operations.ts';
import type { Io, Task } from './task.ts';
import type { OperationName, TaskSystem } from './task-system.ts';

export interface SpawnSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
  /** true: stdin, stdout and stderr are one terminal. false: three pipes. */
  readonly tty: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** How a process ended. */
export interface ExitStatus {
  /** 0 … 255; meaningless if `signal` is not 0. */
  code: number;
  /** Number of the signal that ended it, or 0. */
  signal: number;
  /** The operation that it asked for and the stub lacks: what ended it, where `signal` is SIGSYS (see `Operation.assumed`). */
  refused?: OperationName;
}

/** The outside end of a process's stdio. All may be asked again. */
export interface Stdio {
  /** Bytes from the process; 0 after the last writer closed; or a wait. */
  read(to: Uint8Array): Reply;
  /** Bytes taken for the process; -EPIPE after the last reader closed; or a wait. */
  write(from: Uint8Array): Reply;
  close(): void;
}

/** Files from outside, by absolute guest path. Handles are the operator's own, at most 1,024 open. */
export interface OperatorFiles {
  open(path: string, flags: number, mode: number): Reply;
  read(handle: number, at: number, to: Uint8Array): Reply;
  write(handle: number, at: number, from: Uint8Array): Reply;
  close(handle: number): Result;
  /** Names and types (mode >> 12) of a directory's entries after the first `skip`, at most 256 a call; 0 or an errno. */
  list(path: string, skip: number, out: { name: string; type: number }[]): Reply;
  stat(path: string, out: { mode: number; size: number; mtime: Instant }): Reply;
  mkdir(path: string, mode: number): Reply;
  /** A file or an empty directory. */
  remove(path: string): Reply;
}

/**
 * System: the OS API. The operator face is all that Session needs, and all that a real Linux kernel behind an agent could offer; the guest face
 * (`tasks`) is what library OSes offer to personalities.
 */
export interface System {
  readonly features: ReadonlySet<FeatureGroup>;
  /** undefined: this kernel runs the ABIs in `nativeAbis` itself. */
  readonly tasks: TaskSystem | undefined;
  readonly nativeAbis: readonly string[];
  /** The pid; -ENOENT, -EACCES, -ENOEXEC (no personality recognises it), -ENOMEM; or a wait. `tag` ≥ 1 names the request: asking again never starts twice. */
  spawn(tag: number, spec: SpawnSpec): Reply;
  /** -ESRCH. `group`: to the process's whole group. */
  signal(pid: number, signal: number, group: boolean): Result;
  /** 0 when it ended (the status stays until `release`), or a wait. */
  wait(pid: number, out: ExitStatus): Reply;
  release(pid: number): void;
  /** `fd` 0, 1 or 2; with a tty 0 and 1 are both its outside end and 2 is -EBADF (undefined). */
  stdio(pid: number, fd: number): Stdio | undefined;
  resize(pid: number, columns: number, rows: number): Result;
  readonly files: OperatorFiles;
}

/** A kernel stub: a payload that offers System. Given its personalities before the first step. */
export interface KernelStub extends Payload {
  readonly system: System;
  /** Once, before the first step or restore. */
  install(personalities: readonly Personality[]): void;
}

/** A program file being loaded; reads are positioned and never block for long. */
export interface ProgramFile {
  /** Absolute guest path as resolved. */
  readonly path: string;
  readonly size: number;
  /** For mapping it; its pages are shared between processes that run it. */
  readonly backing: Backing;
  read(at: number, to: Uint8Array): Reply;
}

export interface LoadRequest {
  /** The same object when the load is asked for again after a wait. */
  readonly file: ProgramFile;
  readonly argv: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
  /** The path as given to exec (AT_EXECFN). */
  readonly execPath: Uint8Array;
  readonly account: MemoryAccount;
  cpu(isa: Isa): Cpu | undefined;
  /** Fills `to` with random bytes of the machine (an ELF program's AT_RANDOM); never repeated between programs. */
  random(to: Uint8Array): void;
  /** Another file the program needs: its ELF interpreter. */
  open(path: Uint8Array): ProgramFile | Reply;
}

export interface LoadedProgram {
  context: Context;
  space: AddressSpace;
  /** First address after the data segment, where the heap begins; 0 if the ABI has none. */
  heapStart: GuestAddress;
  /** Where `map` without a wish begins to look. */
  mapStart: GuestAddress;
}

/** How a signal is to be handled, as sigaction(2) was told. */
export interface SignalAction {
  /** 0 default, 1 ignore, else a guest address. */
  handler: number;
  /** SA_* bits with Linux's values. */
  flags: number;
  restorer: number;
  maskLow: number;
  maskHigh: number;
}

/** siginfo_t in neutral form. */
export interface SignalInfo {
  readonly signal: number;
  /** SI_* / SEGV_* … with Linux's values. */
  readonly code: number;
  readonly pid: number;
  readonly uid: number;
  /** Fault address, or si_value / si_status. */
  readonly address: number;
  readonly status: number;
}

export interface SignalDelivery {
  readonly info: SignalInfo;
  readonly action: SignalAction;
  /** The mask to restore when the handler returns. */
  readonly oldMaskLow: number;
  readonly oldMaskHigh: number;
  /** The task sits at its trap, in a call that was not finished: either leave it there (SA_RESTART) or finish it with -EINTR. */
  readonly parked: boolean;
  readonly altStack: { readonly base: number; readonly bytes: number } | undefined;
}

/** What a child thread or process shares with its parent, and how it starts. */
export interface CloneSpec {
  readonly thread: boolean;
  readonly shareMemory: boolean;
  readonly shareFiles: boolean;
  readonly shareDirectories: boolean;
  readonly shareSignals: boolean;
  /** The parent waits until the child execs or ends. */
  readonly vfork: boolean;
  readonly exitSignal: number;
  /** Guest addresses, 0 for none; written as 32-bit thread ids. */
  readonly parentTidAt: number;
  readonly childTidAt: number;
  /** Cleared and woken (futex) when the thread ends. */
  readonly clearTidAt: number;
  /** The personality's own (stack, thread pointer). */
  readonly note: Plain;
}

/**
 * How one ABI's binaries meet System. Declared here because the stub's scheduler calls it; implemented in the userspace tier.
 * A personality holds no state of its own: all is in the task, the context and the stub.
 */
export interface Personality {
  readonly abi: string;
  readonly isa: Isa;
  /** Feature groups without which no program of this ABI runs. */
  readonly needs: readonly FeatureGroup[];
  /** By the first bytes of a file (up to 256). */
  recognises(head: Uint8Array): boolean;
  /** Builds a new image; on any failure destroys what it made and returns the errno. The caller's image is untouched. */
  load(request: LoadRequest, out: LoadedProgram): Reply;
  onTrap(system: TaskSystem, task: Task, trap: Trap): TrapAnswer;
  /** The context returned from its program by itself ('halted'). */
  onHalt(system: TaskSystem, task: Task): void;
  /** Makes the context enter its handler. -EFAULT: its stack is bad (the stub then ends it with SIGSEGV). */
  deliver(system: TaskSystem, task: Task, delivery: SignalDelivery): Reply;
  /** Sets the registers of a child that `clone` made: its return value, stack, thread pointer. */
  cloned(parent: Task, child: Task, spec: CloneSpec): void;
}

/** An Io over host memory, as the operator and tests use. */
export type HostIo = Io & { reset(bytes: Uint8Array): void };
