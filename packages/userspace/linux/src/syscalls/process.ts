import { Errno, type Plain, type Reply } from '@ashlar/hardware';
import { AT_CWD, type CloneSpec, SYSTEM_LIMITS, type WaitSelector } from '@ashlar/kernel-stub';
import { putSignalInfo, putUsage, RUSAGE_BYTES, SIGINFO_BYTES, Signal } from '../abi/structures.ts';
import { getUnsignedWord, putWord } from '../abi/word.ts';
import { type Call, isBytes } from '../call.ts';
import { GONE, row, type Syscall } from './syscall.ts';

/** CLONE_* of clone(2). */
const CloneFlag = {
  SIGNAL: 0xff,
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  VFORK: 0x4000,
  THREAD: 0x1_0000,
  SETTLS: 0x8_0000,
  PARENT_SETTID: 0x10_0000,
  CHILD_CLEARTID: 0x20_0000,
  CHILD_SETTID: 0x100_0000,
  /** PIDFD, PTRACE, PARENT, and the namespaces: there are none. */
  REFUSED: 0x1000 | 0x2000 | 0x8000 | 0x2_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000,
} as const;
const SIGNAL_MAX = 64;

/** What a child begins with beside its parent's registers; 0: as the parent. */
export interface CloneNote {
  readonly stack: number;
  readonly threadPointer: number | null;
}

/** clone(2) as riscv64 has it (CLONE_BACKWARDS: tls before child tid). */
function clone(call: Call): Reply {
  const flags = call.size(0);
  const low = flags >>> 0;
  const has = (bit: number): boolean => (low & bit) !== 0;
  if (flags > 0xffff_ffff || has(CloneFlag.REFUSED)) return -Errno.EINVAL;
  if ((has(CloneFlag.SIGHAND) && !has(CloneFlag.VM)) || (has(CloneFlag.THREAD) && !has(CloneFlag.SIGHAND))) return -Errno.EINVAL;
  const exitSignal = low & CloneFlag.SIGNAL;
  if (exitSignal > SIGNAL_MAX) return -Errno.EINVAL;
  const parentTid = call.address(2);
  const childTid = call.address(4);
  const note: CloneNote = { stack: call.size(1), threadPointer: has(CloneFlag.SETTLS) ? call.size(3) : null };
  const spec: CloneSpec = {
    thread: has(CloneFlag.THREAD),
    shareMemory: has(CloneFlag.VM),
    shareFiles: has(CloneFlag.FILES),
    shareDirectories: has(CloneFlag.FS),
    shareSignals: has(CloneFlag.SIGHAND),
    vfork: has(CloneFlag.VFORK),
    exitSignal,
    parentTidAt: has(CloneFlag.PARENT_SETTID) ? parentTid : 0,
    childTidAt: has(CloneFlag.CHILD_SETTID) ? childTid : 0,
    clearTidAt: has(CloneFlag.CHILD_CLEARTID) ? childTid : 0,
    note: note as unknown as Plain,
  };
  return call.system.clone(call.task, spec);
}

function execve(call: Call): Reply {
  const path = call.path(0);
  return isBytes(path) ? execute(call, AT_CWD, path, 1, 0) : path;
}

function execveat(call: Call): Reply {
  const path = call.path(1);
  return isBytes(path) ? execute(call, call.int(0), path, 2, call.int(4)) : path;
}

function execute(call: Call, dir: number, path: Uint8Array, argvIndex: number, flags: number): Reply {
  const argv = call.strings(call.address(argvIndex), SYSTEM_LIMITS.execBytes);
  if (!Array.isArray(argv)) return argv as Reply;
  const used = argv.reduce((bytes, string) => bytes + string.length + 9, 0);
  const env = call.strings(call.address(argvIndex + 1), SYSTEM_LIMITS.execBytes - used);
  if (!Array.isArray(env)) return env as Reply;
  // Linux gives an empty argv one empty string, since programs that trusted argv[0] were exploited.
  if (argv.length === 0) argv.push(new Uint8Array(0));
  const reply = call.system.execve(call.task, dir, path, argv, env, flags);
  return reply === 0 ? GONE : reply;
}

const WaitOption = { NOHANG: 1, UNTRACED: 2, EXITED: 4, CONTINUED: 8, NOWAIT: 0x100_0000, LINUX: 0xe000_0000 } as const;
/** P_* of waitid(2). */
const IdType = { ALL: 0, PID: 1, GROUP: 2 } as const;

/**
 * Asks for a child, and brings in beforehand the pages that its status goes to: a reaped child cannot be reaped again. An address that is bad is told
 * after the child was reaped, as Linux does.
 */
function waitFor(call: Call, selector: WaitSelector, out: number, bytes: number, usage: number): Reply {
  if (out !== 0) {
    const ready = call.reserve(out, bytes);
    if (typeof ready !== 'number') return ready;
  }
  if (usage !== 0) {
    const ready = call.reserve(usage, RUSAGE_BYTES);
    if (typeof ready !== 'number') return ready;
  }
  return call.system.wait(call.task, selector);
}

function storeUsage(call: Call, at: number): void {
  if (at === 0) return;
  const { values } = call.task;
  const usage = new Float64Array(9);
  usage[0] = Math.floor(values[1]! / 1e9);
  usage[1] = values[1]! % 1e9;
  usage[2] = Math.floor(values[2]! / 1e9);
  usage[3] = values[2]! % 1e9;
  putUsage(call.view, 0, usage);
  call.store(at, RUSAGE_BYTES);
}

function wait4(call: Call): Reply {
  const options = call.int(2);
  const known = WaitOption.NOHANG | WaitOption.UNTRACED | WaitOption.CONTINUED | WaitOption.LINUX;
  if ((options & ~known) !== 0) return -Errno.EINVAL;
  const statusAt = call.address(1);
  const usageAt = call.address(3);
  const selector = { pid: call.int(0), options: (options & ~WaitOption.LINUX) | WaitOption.EXITED };
  const found = waitFor(call, selector, statusAt, 4, usageAt);
  if (typeof found !== 'number' || found <= 0) return found;
  if (statusAt !== 0) {
    const stored = call.storeInt(statusAt, call.task.values[0]!);
    if (stored !== 0) return stored;
  }
  storeUsage(call, usageAt);
  return found;
}

function waitid(call: Call): Reply {
  const options = call.int(3);
  const kinds = WaitOption.EXITED | WaitOption.UNTRACED | WaitOption.CONTINUED;
  if ((options & kinds) === 0 || (options & ~(kinds | WaitOption.NOHANG | WaitOption.NOWAIT | WaitOption.LINUX)) !== 0)
    return -Errno.EINVAL;
  const id = call.int(1);
  const type = call.int(0);
  if (type < IdType.ALL || type > IdType.GROUP || (type === IdType.PID && id <= 0) || id < 0) return -Errno.EINVAL;
  // Group 0 is the caller's own; -1 as a pid means any child, so group 1 cannot be named otherwise than by an empty selection.
  const pid = type === IdType.ALL ? -1 : type === IdType.PID ? id : -id;
  const infoAt = call.address(2);
  const usageAt = call.address(4);
  const found = waitFor(call, { pid, options: options & ~WaitOption.LINUX }, infoAt, SIGINFO_BYTES, usageAt);
  if (typeof found !== 'number' || found < 0) return found;
  if (infoAt !== 0) {
    storeChild(call, found);
    call.store(infoAt, SIGINFO_BYTES);
  }
  if (found > 0) storeUsage(call, usageAt);
  return 0;
}

/** CLD_* codes of sigaction(2). */
const ChildCode = { EXITED: 1, CONTINUED: 6 } as const;
const SIGCONT = 18;

function storeChild(call: Call, pid: number): void {
  const { values } = call.task;
  const status = values[0]!;
  const code = pid === 0 ? 0 : values[4]!;
  const reason =
    code === ChildCode.EXITED
      ? (status >> 8) & 0xff
      : code === ChildCode.CONTINUED
        ? SIGCONT
        : (status & 0x7f) === 0x7f
          ? status >> 8
          : status & 0x7f;
  const signal = pid === 0 ? 0 : Signal.CHLD;
  putSignalInfo(call.view, 0, { signal, code, pid, uid: pid === 0 ? 0 : values[3]!, address: 0, status: reason });
}

function exit(call: Call): Reply {
  call.system.exit(call.task, call.int(0) & 0xff);
  return GONE;
}

function exitGroup(call: Call): Reply {
  call.system.exitGroup(call.task, call.int(0) & 0xff);
  return GONE;
}

const RLIMIT_BYTES = 16;

/** RLIM_INFINITY is all ones. */
const limitOf = (word: number): number => (word > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : word);
const wordOf = (limit: number): number => (limit === Number.POSITIVE_INFINITY ? -1 : limit);

function limit(call: Call, pid: number, resource: number, newAt: number, oldAt: number): Reply {
  let set: { soft: number; hard: number } | undefined;
  if (newAt !== 0) {
    const fetched = call.fetch(newAt, RLIMIT_BYTES);
    if (fetched !== 0) return fetched;
    set = { soft: limitOf(getUnsignedWord(call.view, 0)), hard: limitOf(getUnsignedWord(call.view, 8)) };
    if (set.soft > set.hard) return -Errno.EINVAL;
  }
  if (oldAt !== 0) {
    const ready = call.reserve(oldAt, RLIMIT_BYTES);
    if (ready !== 0) return ready;
  }
  const reply = call.system.resourceLimit(call.task, pid, resource, set);
  if (reply < 0 || oldAt === 0) return reply;
  putWord(call.view, 0, wordOf(call.task.values[0]!));
  putWord(call.view, 8, wordOf(call.task.values[1]!));
  return call.store(oldAt, RLIMIT_BYTES);
}

function getrusage(call: Call): Reply {
  const reply = call.system.resourceUsage(call.task, call.int(0));
  if (reply < 0) return reply;
  putUsage(call.view, 0, call.task.values);
  return call.store(call.address(1), RUSAGE_BYTES);
}

/** PR_* of prctl(2). */
const ProcessControl = {
  SET_PDEATHSIG: 1,
  GET_DUMPABLE: 3,
  SET_DUMPABLE: 4,
  SET_NAME: 15,
  GET_NAME: 16,
  CAPBSET_READ: 23,
  SET_TIMERSLACK: 29,
  GET_TIMERSLACK: 30,
  SET_CHILD_SUBREAPER: 36,
  GET_CHILD_SUBREAPER: 37,
  SET_NO_NEW_PRIVS: 38,
  GET_NO_NEW_PRIVS: 39,
} as const;
const NAME_BYTES = 16;
const TIMER_SLACK_NS = 50_000;

function prctl(call: Call): Reply {
  switch (call.int(0)) {
    case ProcessControl.SET_NAME: {
      const name = call.string(call.address(1), NAME_BYTES);
      const bytes = name === -Errno.E2BIG ? call.scratch.slice(0, NAME_BYTES - 1) : name;
      return isBytes(bytes) ? Math.min(0, call.system.name(call.task, bytes)) : bytes;
    }
    case ProcessControl.GET_NAME: {
      const length = call.system.name(call.task, undefined);
      if (length < 0) return length;
      call.head(NAME_BYTES).fill(0);
      call.scratch.set(call.task.bytes.subarray(0, length));
      return call.store(call.address(1), NAME_BYTES);
    }
    case ProcessControl.SET_CHILD_SUBREAPER:
      return Math.min(0, call.system.subreaper(call.task, call.size(1) === 0 ? 0 : 1));
    case ProcessControl.GET_CHILD_SUBREAPER: {
      const on = call.system.subreaper(call.task, -1);
      return on < 0 ? on : call.storeInt(call.address(1), on);
    }
    case ProcessControl.GET_DUMPABLE:
      return 1;
    case ProcessControl.CAPBSET_READ:
      return call.unsigned(1) <= CAPABILITY_LAST ? 1 : -Errno.EINVAL;
    case ProcessControl.GET_TIMERSLACK:
      return TIMER_SLACK_NS;
    case ProcessControl.SET_PDEATHSIG:
    case ProcessControl.SET_DUMPABLE:
    case ProcessControl.SET_TIMERSLACK:
    case ProcessControl.SET_NO_NEW_PRIVS:
    case ProcessControl.GET_NO_NEW_PRIVS:
      return 0;
    default:
      return -Errno.EINVAL;
  }
}

/** CAP_CHECKPOINT_RESTORE of Linux 6.12. */
export const CAPABILITY_LAST = 40;

export const PROCESS_CALLS: readonly Syscall[] = [
  row(93, 'exit', 'int status', exit),
  row(94, 'exit_group', 'int status', exitGroup),
  row(95, 'waitid', 'int type, pid_t id, siginfo_t *info, int options, struct rusage *usage', waitid, 'restart'),
  row(163, 'getrlimit', 'int resource, struct rlimit *limit', (call) => limit(call, 0, call.int(0), 0, call.address(1))),
  row(164, 'setrlimit', 'int resource, const struct rlimit *limit', (call) => limit(call, 0, call.int(0), call.address(1), 0)),
  row(165, 'getrusage', 'int who, struct rusage *usage', getrusage),
  row(167, 'prctl', 'int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d', prctl),
  row(220, 'clone', 'unsigned long flags, void *stack, int *parent_tid, unsigned long tls, int *child_tid', clone, 'restart'),
  row(221, 'execve', 'const char *path, char *const argv[], char *const envp[]', execve, 'restart'),
  row(260, 'wait4', 'pid_t pid, int *status, int options, struct rusage *usage', wait4, 'restart'),
  row(261, 'prlimit64', 'pid_t pid, int resource, const struct rlimit *new, struct rlimit *old', (call) =>
    limit(call, call.int(0), call.int(1), call.address(2), call.address(3)),
  ),
  row(281, 'execveat', 'int dir, const char *path, char *const argv[], char *const envp[], int flags', execveat, 'restart'),
];
