import { Errno, type GuestAddress, type Reply, type Result } from '@ashlar/hardware';
import { AT_CWD, AtFlag, type CloneSpec, SYSTEM_LIMITS, type TaskSystem, type WaitSelector } from '@ashlar/kernel-stub';
import { type Core, IMAGE_WORK } from '../core.ts';
import { Exec } from '../exec.ts';
import type { Process, Usage } from '../process.ts';
import { RESOURCES, Resource } from '../resource.ts';
import type { UnixTask } from '../task.ts';
import { startOf } from './path.ts';

type Names =
  | 'clone'
  | 'execve'
  | 'exit'
  | 'exitGroup'
  | 'wait'
  | 'parentId'
  | 'processGroup'
  | 'setProcessGroup'
  | 'session'
  | 'setSession'
  | 'credentials'
  | 'setCredentials'
  | 'resourceLimit'
  | 'resourceUsage'
  | 'umask'
  | 'name'
  | 'subreaper'
  | 'setClearTid'
  | 'yield'
  | 'robustList';

const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;
const KIB_PER_PAGE = 4;
const NAME_BYTES = 15;
/** sizeof(struct robust_list_head) on 64-bit ABIs. */
const ROBUST_HEAD_BYTES = 24;

/** The `process` group of TaskSystem. */
export class ProcessCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;
  readonly #exec: Exec;

  constructor(core: Core) {
    this.#core = core;
    this.#exec = new Exec(core);
  }

  clone(task: UnixTask, spec: CloneSpec): Reply {
    this.#core.work += spec.shareMemory ? 0 : IMAGE_WORK;
    return this.#core.life.clone(task, spec);
  }

  execve(
    task: UnixTask,
    dir: number,
    path: Uint8Array,
    argv: readonly Uint8Array[],
    environment: readonly Uint8Array[],
    flags: number,
  ): Reply {
    const start = startOf(task, dir, path);
    if (typeof start === 'number') return start;
    const shown = dir !== AT_CWD && path.length === 0 ? new TextEncoder().encode(`/dev/fd/${dir}`) : path;
    if (path.length === 0 && (flags & AtFlag.EMPTY_PATH) === 0) return -Errno.ENOENT;
    this.#core.work += IMAGE_WORK;
    const image = this.#exec.load(task, { dir: start, path, shown, argv, environment, flags });
    if (typeof image === 'number') return image;
    if ('on' in image) {
      task.interruptible = false;
      return image;
    }
    this.#exec.commit(task, image);
    return 0;
  }

  exit(task: UnixTask, code: number): void {
    this.#core.life.endThread(task, code);
  }

  exitGroup(task: UnixTask, code: number): void {
    this.#core.life.endProcess(task.process, { code: code & 0xff, signal: 0 });
  }

  wait(task: UnixTask, selector: WaitSelector): Reply {
    return this.#core.life.wait(task, selector);
  }

  parentId(task: UnixTask): Result {
    return task.process.parent?.pid ?? 0;
  }

  processGroup(task: UnixTask, pid: number): Result {
    return this.#named(task, pid)?.processGroup ?? -Errno.ESRCH;
  }

  setProcessGroup(task: UnixTask, pid: number, group: number): Result {
    const process = this.#named(task, pid);
    if (group < 0) return -Errno.EINVAL;
    if (process === undefined) return -Errno.ESRCH;
    const own = process === task.process;
    if (!own && process.parent !== task.process) return -Errno.ESRCH;
    if (!own && process.executed) return -Errno.EACCES;
    if (process.session !== task.session || process.session === process.pid) return -Errno.EPERM;
    const target = group === 0 ? process.pid : group;
    if (target !== process.pid && !this.#groupOfSession(target, task.session)) return -Errno.EPERM;
    process.processGroup = target;
    return 0;
  }

  session(task: UnixTask, pid: number): Result {
    return this.#named(task, pid)?.session ?? -Errno.ESRCH;
  }

  setSession(task: UnixTask): Result {
    const process = task.process;
    for (const other of this.#core.processes.values()) if (other.processGroup === process.pid) return -Errno.EPERM;
    process.session = process.pid;
    process.processGroup = process.pid;
    process.controllingTerminal = undefined;
    return process.pid;
  }

  credentials(task: UnixTask): Result {
    const { ruid, euid, suid, rgid, egid, sgid } = task.credentials;
    task.values[0] = ruid;
    task.values[1] = euid;
    task.values[2] = suid;
    task.values[3] = rgid;
    task.values[4] = egid;
    task.values[5] = sgid;
    return 0;
  }

  /** Without privilege, only to ids that the process has already (setresuid(2)). */
  setCredentials(
    task: UnixTask,
    change: { ruid?: number; euid?: number; suid?: number; rgid?: number; egid?: number; sgid?: number },
  ): Result {
    const now = task.credentials;
    if (now.euid !== 0) {
      for (const id of [change.ruid, change.euid, change.suid]) {
        if (id !== undefined && id !== now.ruid && id !== now.euid && id !== now.suid) return -Errno.EPERM;
      }
      for (const id of [change.rgid, change.egid, change.sgid]) {
        if (id !== undefined && id !== now.rgid && id !== now.egid && id !== now.sgid) return -Errno.EPERM;
      }
    }
    now.ruid = change.ruid ?? now.ruid;
    now.euid = change.euid ?? now.euid;
    now.suid = change.suid ?? now.suid;
    now.rgid = change.rgid ?? now.rgid;
    now.egid = change.egid ?? now.egid;
    now.sgid = change.sgid ?? now.sgid;
    return 0;
  }

  resourceLimit(task: UnixTask, pid: number, resource: number, set: { soft: number; hard: number } | undefined): Result {
    const process = this.#named(task, pid);
    if (process === undefined) return -Errno.ESRCH;
    if (resource < 0 || resource >= RESOURCES) return -Errno.EINVAL;
    const limits = process.limits;
    task.values[0] = limits[resource * 2] as number;
    task.values[1] = limits[resource * 2 + 1] as number;
    if (set === undefined) return 0;
    if (set.soft > set.hard) return -Errno.EINVAL;
    if (set.hard > (limits[resource * 2 + 1] as number) && task.credentials.euid !== 0) return -Errno.EPERM;
    if (resource === Resource.NOFILE && set.hard > SYSTEM_LIMITS.descriptors) return -Errno.EPERM;
    limits[resource * 2] = set.soft;
    limits[resource * 2 + 1] = set.hard;
    return 0;
  }

  resourceUsage(task: UnixTask, who: number): Result {
    if (who !== 0 && who !== RUSAGE_CHILDREN && who !== RUSAGE_THREAD) return -Errno.EINVAL;
    const usage: Usage = who === RUSAGE_CHILDREN ? task.process.childrenUsage : task.process.usage;
    const values = task.values;
    values[0] = Math.floor(usage.userNs / 1e9);
    values[1] = usage.userNs % 1e9;
    values[2] = Math.floor(usage.systemNs / 1e9);
    values[3] = usage.systemNs % 1e9;
    values[4] = Math.max(usage.maxResidentPages, who === RUSAGE_CHILDREN ? 0 : task.space.residentPages) * KIB_PER_PAGE;
    values[5] = 0;
    values[6] = 0;
    values[7] = usage.voluntarySwitches;
    values[8] = usage.involuntarySwitches;
    return 0;
  }

  umask(task: UnixTask, mask: number): Result {
    const old = task.directories.umask;
    task.directories.umask = mask & 0o777;
    return old;
  }

  name(task: UnixTask, set: Uint8Array | undefined): Result {
    if (set !== undefined) task.name = set.slice(0, NAME_BYTES);
    task.bytes.set(task.name);
    return task.name.length;
  }

  subreaper(task: UnixTask, set: number): Result {
    if (set >= 0) task.process.subreaper = set !== 0;
    return task.process.subreaper ? 1 : 0;
  }

  setClearTid(task: UnixTask, at: GuestAddress): Result {
    task.clearTidAt = at;
    return task.id;
  }

  yield(task: UnixTask): Result {
    task.yielded = true;
    task.attention = true;
    return 0;
  }

  robustList(task: UnixTask, head: GuestAddress, bytes: number): Result {
    if (bytes !== ROBUST_HEAD_BYTES) return -Errno.EINVAL;
    task.robustHead = head;
    task.robustBytes = bytes;
    return 0;
  }

  /** 0 is the caller; a thread's id names its process, as Linux has it. */
  #named(task: UnixTask, pid: number): Process | undefined {
    if (pid === 0) return task.process;
    return this.#core.processes.get(pid) ?? this.#core.tasks.get(pid)?.process;
  }

  #groupOfSession(group: number, session: number): boolean {
    for (const process of this.#core.processes.values()) {
      if (process.processGroup === group && process.session === session) return true;
    }
    return false;
  }
}
