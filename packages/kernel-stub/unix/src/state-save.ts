import type { Backing, PartWriter, Plain, Reply } from '@ashlar/hardware';
import type { Core } from './core.ts';
import type { Description } from './description.ts';
import type { DescriptorTable } from './descriptor-table.ts';
import { EpollSet } from './epoll.ts';
import { type Memory, SHARED_ZEROES_PREFIX } from './memory.ts';
import type { UnixSystem } from './operator.ts';
import { type Pipe, PipeEnd } from './pipe.ts';
import type { Process } from './process.ts';
import type { SignalActions } from './signal-state.ts';
import { SocketDescription, type SocketNumbers } from './socket-description.ts';
import type { SharedDirectories, UnixTask } from './task.ts';
import type { Terminal } from './terminal-device.ts';

/** Version of the saved form written here and read by state-restore.ts. */
export const STATE_VERSION = 2;

/** Gives each object of a table a number, in the order in which they are first met. */
export class Numbers<T extends object> {
  readonly all: T[] = [];
  readonly #numbers = new Map<T, number>();

  of(object: T): number {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = this.all.push(object) - 1;
      this.#numbers.set(object, number);
    }
    return number;
  }

  has(object: T): boolean {
    return this.#numbers.has(object);
  }
}

/** Infinity is not data that every form can carry. */
export const finite = (values: Float64Array): number[] => [...values].map((value) => (Number.isFinite(value) ? value : -1));

/** Objects that tasks share, numbered as they are met. */
class Tables implements SocketNumbers {
  readonly memories = new Numbers<Memory>();
  readonly descriptors = new Numbers<DescriptorTable>();
  readonly directories = new Numbers<SharedDirectories>();
  readonly actions = new Numbers<SignalActions>();
  readonly descriptions = new Numbers<Description>();
  readonly pipes = new Numbers<Pipe>();
  readonly terminals = new Numbers<Terminal>();

  pipe(pipe: Pipe): void {
    this.pipes.of(pipe);
  }

  description(description: Description): number {
    return this.descriptions.of(description);
  }

  terminal(terminal: Terminal | undefined): number {
    return terminal === undefined ? -1 : this.terminals.of(terminal);
  }
}

/** Writes everything that a guest could notice. A wait: the file tree still has requests under way, and nothing was written. */
export function saveKernel(core: Core, system: UnixSystem, out: PartWriter): Reply {
  const files = core.files.save(out.part('files'));
  if (files !== 0) return files;
  const tables = new Tables();
  out.put('version', STATE_VERSION);
  out.put('kernel', saveNumbers(core));
  out.put(
    'processes',
    [...core.processes.values()].map((process) => saveProcess(core, tables, process)),
  );
  out.put(
    'tasks',
    [...core.tasks.values()].map((task) => saveTask(tables, task)),
  );
  out.put(
    'ready',
    core.scheduler.queued().map((task) => task.id),
  );
  out.put(
    'futexes',
    core.futexes.waiters().map((task) => task.id),
  );
  out.put('operator', saveOperator(tables, system));
  out.put('sockets', core.sockets.save());
  saveTables(core, tables, out);
  return saveContexts(core, tables, out);
}

function saveNumbers(core: Core): Plain {
  const { lastPid, lastSerial, lastTag, tasksMade, bootSec } = core;
  const personalities = core.personalities.map((personality) => personality.abi);
  return { lastPid, lastSerial, lastTag, tasksMade, bootSec, personalities, now: { ...core.now() } };
}

function saveProcess(core: Core, tables: Tables, process: Process): Plain {
  const { timer, executable } = process;
  return {
    pid: process.pid,
    parent: process.parent?.pid ?? 0,
    processGroup: process.processGroup,
    session: process.session,
    terminal: tables.terminal(process.controllingTerminal),
    pending: process.pending.save(),
    credentials: { ...process.credentials },
    limits: finite(process.limits),
    usage: { ...process.usage },
    childrenUsage: { ...process.childrenUsage },
    timer: { armed: timer.armed, deadline: { ...timer.deadline }, interval: { ...timer.interval } },
    exitSignal: process.exitSignal,
    status: process.status === undefined ? null : { ...process.status },
    ending: process.ending,
    zombie: process.zombie,
    stopped: process.stopped,
    stopSignal: process.stopSignal,
    report: process.report ?? null,
    executed: process.executed,
    subreaper: process.subreaper,
    kept: process.kept,
    executable: executable === undefined ? null : core.files.savePlace(executable.file.place),
    lastName: process.lastName,
    argv: process.argv,
    environment: process.environment,
    startNs: process.startNs,
  };
}

function saveTask(tables: Tables, task: UnixTask): Plain {
  const futex = task.futex;
  return {
    id: task.id,
    process: task.process.pid,
    isa: task.cpu.isa,
    abi: task.personality.abi,
    memory: tables.memories.of(task.memory),
    descriptors: tables.descriptors.of(task.descriptors),
    directories: tables.directories.of(task.directories),
    actions: tables.actions.of(task.actions),
    progress: task.progress ?? null,
    hasProgress: task.progress !== undefined,
    callNote: task.callNote ?? null,
    hasCallNote: task.callNote !== undefined,
    note: task.note ?? null,
    hasNote: task.note !== undefined,
    name: task.name,
    pending: task.pending.save(),
    maskLow: task.maskLow,
    maskHigh: task.maskHigh,
    savedMask: task.savedMask === undefined ? null : { ...task.savedMask },
    taking: task.taking === undefined ? null : { ...task.taking },
    altStack: task.altStack === undefined ? null : { ...task.altStack },
    state: task.state,
    parkOrder: task.parkOrder,
    turnLeft: task.turnLeft,
    futex: futex === undefined ? null : { memory: tables.memories.of(futex.memory), at: futex.at, bits: futex.bits, woken: futex.woken },
    opening: task.opening === undefined ? -1 : tables.descriptions.of(task.opening),
    vforkChild: task.vforkChild?.id ?? 0,
    clearTidAt: task.clearTidAt,
    robustHead: task.robustHead,
    robustBytes: task.robustBytes,
  };
}

function saveOperator(tables: Tables, system: UnixSystem): Plain {
  const operated = [...system.operated.values()].map(({ tag, pid, terminal, ends }) => ({
    tag,
    pid,
    terminal: tables.terminal(terminal),
    pipes: ends.map((end) => (end?.pipe === undefined ? -1 : tables.pipes.of(end.pipe))),
    open: ends.map((end) => end?.open === true),
  }));
  const handles = [...system.files.handles].map(([handle, description]) => [handle, tables.descriptions.of(description)]);
  return { operated, handles, lastHandle: system.files.lastHandle, callers: system.saveCallers(), fileCallers: system.files.saveCallers() };
}

function saveTables(core: Core, tables: Tables, out: PartWriter): void {
  out.put(
    'directories',
    tables.directories.all.map(({ root, cwd, umask }) => ({ root: core.files.savePlace(root), cwd: core.files.savePlace(cwd), umask })),
  );
  out.put(
    'actions',
    tables.actions.all.map((actions) => actions.save()),
  );
  out.put(
    'descriptors',
    tables.descriptors.all.map((table) =>
      table.open().map((fd) => ({
        fd,
        description: tables.descriptions.of(table.get(fd) as Description),
        closeOnExec: table.closeOnExec(fd),
      })),
    ),
  );
  const descriptions: Plain[] = [];
  // Saving one may meet others (a socket's queue of connections): they are appended meanwhile.
  for (let at = 0; at < tables.descriptions.all.length; at++) descriptions.push(saveDescription(core, tables, at));
  out.put('descriptions', descriptions);
  out.put('epolls', saveEpolls(tables));
  out.put(
    'pipes',
    tables.pipes.all.map((pipe) => pipe.save()),
  );
  out.put(
    'terminals',
    tables.terminals.all.map((terminal) => core.files.saveTerminal(terminal)),
  );
}

function saveDescription(core: Core, tables: Tables, at: number): Plain {
  const description = tables.descriptions.all[at] as Description;
  if (description instanceof PipeEnd) tables.pipes.of(description.pipe);
  const { kind, flags } = description;
  const saved = description instanceof SocketDescription ? description.saveWith(tables) : description.save();
  return { kind, flags, saved, lock: core.locks.held(description) };
}

function saveEpolls(tables: Tables): Plain {
  const entries: Plain[] = [];
  for (const [number, description] of tables.descriptions.all.entries()) {
    if (!(description instanceof EpollSet)) continue;
    for (const entry of description.entries) {
      if (!tables.descriptions.has(entry.description)) continue;
      const { fd, events, dataLow, dataHigh, disarmed } = entry;
      const target = tables.descriptions.of(entry.description);
      entries.push({ epoll: number, fd, description: target, events, dataLow, dataHigh, disarmed, edge: description.hasEdge(entry) });
    }
  }
  return entries;
}

function saveContexts(core: Core, tables: Tables, out: PartWriter): Reply {
  const memories: Plain[] = [];
  for (const [number, memory] of tables.memories.all.entries()) {
    const reply = memory.space.save(out.part(`space/${number}`));
    if (reply !== 0) return reply;
    const { heapStart, heapEnd, mapStart } = memory;
    const owner = [...core.tasks.values()].find((task) => task.memory === memory) as UnixTask;
    memories.push({ isa: owner.cpu.isa, heapStart, heapEnd, mapStart, backings: saveBackings(core, memory) });
  }
  out.put('memories', memories);
  for (const task of core.tasks.values()) {
    const reply = task.context.save(out.part(`context/${task.id}`));
    if (reply !== 0) return reply;
  }
  return 0;
}

function saveBackings(core: Core, memory: Memory): Plain {
  const backings = new Map<string, Backing>();
  for (const { backing } of memory.space.mappings()) if (backing !== undefined && backing.id !== '') backings.set(backing.id, backing);
  return [...backings.values()]
    .filter(({ id }) => !id.startsWith(SHARED_ZEROES_PREFIX))
    .map((backing) => {
      const place = core.files.placeOfBacking(backing);
      return { id: backing.id, place: place === undefined ? null : core.files.savePlace(place) };
    });
}
