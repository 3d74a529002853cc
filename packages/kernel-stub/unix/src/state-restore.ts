import { Errno, type GuestAddress, type Instant, type Isa, type PartReader, type Plain, type Reply, type Result } from '@ashlar/hardware';
import type { ExitStatus } from '@ashlar/kernel-stub';
import type { Core } from './core.ts';
import type { Description } from './description.ts';
import { DescriptorTable } from './descriptor-table.ts';
import { EpollSet } from './epoll.ts';
import { EVENTFD_SEMAPHORE, EventCounter } from './event-counter.ts';
import { Memory, ProgramHold, restoreSharedZeroes } from './memory.ts';
import type { UnixSystem } from './operator.ts';
import { type OpenFifo, Pipe, PipeEnd } from './pipe.ts';
import type { JobReport, Process, Usage } from './process.ts';
import { SignalActions } from './signal-state.ts';
import { SocketDescription } from './socket-description.ts';
import { linkSocket, restoreSocket } from './socket-restore.ts';
import { STATE_VERSION } from './state-save.ts';
import { type SharedDirectories, UnixTask } from './task.ts';
import type { Terminal } from './terminal-device.ts';
import { type SavedTimer, TimerDescriptor } from './timer-descriptor.ts';

type Saved = { readonly [key: string]: Plain };
type Bytes = Uint8Array;

/** The saved tables, made again; tasks refer to them by number. */
export interface Restored {
  readonly terminals: Terminal[];
  readonly pipes: Pipe[];
  readonly descriptions: Description[];
  readonly descriptors: DescriptorTable[];
  readonly directories: SharedDirectories[];
  readonly actions: SignalActions[];
  readonly memories: Memory[];
}

const records = (part: PartReader, key: string): readonly Saved[] => part.get(key) as readonly Saved[];
const num = (saved: Saved, key: string): number => saved[key] as number;
const address = (saved: Saved, key: string): GuestAddress => num(saved, key) as GuestAddress;
const flag = (saved: Saved, key: string): boolean => saved[key] === true;

/** Into a fresh kernel with its personalities installed. -EINVAL for another version, a missing personality or instruction set. */
export function restoreKernel(core: Core, system: UnixSystem, part: PartReader): Reply {
  if (part.get('version') !== STATE_VERSION || core.tasks.size > 0) return -Errno.EINVAL;
  const kernel = part.get('kernel') as Saved;
  core.continueClock(kernel.now as unknown as Instant);
  core.lastPid = num(kernel, 'lastPid');
  core.lastTag = num(kernel, 'lastTag');
  core.tasksMade = num(kernel, 'tasksMade');
  core.bootSec = num(kernel, 'bootSec');
  core.sockets.restore(part.get('sockets') as unknown as { nextPort: number; ready: boolean });
  const files = core.files.restore(part.part('files'));
  if (files !== 0) return files;
  core.lastSerial = Math.max(core.lastSerial, num(kernel, 'lastSerial'));
  const restored = restoreTables(core, part);
  if (typeof restored === 'number') return restored;
  restoreProcesses(core, restored, records(part, 'processes'));
  const tasks = restoreTasks(core, restored, part);
  if (tasks !== 0) return tasks;
  restoreEpolls(restored, records(part, 'epolls'));
  system.restore(part.get('operator') as Saved, restored);
  restorePipes(restored.pipes, records(part, 'pipes'));
  for (const description of restored.descriptions) description.release();
  for (const id of part.get('futexes') as readonly number[]) core.futexes.restore(core.tasks.get(id) as UnixTask);
  return enqueueAll(core, part);
}

/** Last, because every end that is restored counts as opened, and what was saved has counted them. */
function restorePipes(pipes: readonly Pipe[], saved: readonly Saved[]): void {
  saved.forEach((record, at) => {
    pipes[at]?.restore({ readerOpens: num(record, 'readerOpens'), writerOpens: num(record, 'writerOpens'), bytes: record.bytes as Bytes });
  });
}

function restoreTables(core: Core, part: PartReader): Restored | Result {
  const queue = () => core.queue();
  const terminals = (part.get('terminals') as readonly Plain[]).map((saved) => core.files.restoreTerminal(saved));
  if (terminals.some((terminal) => terminal === undefined)) return -Errno.EINVAL;
  const pipes = records(part, 'pipes').map((saved) => {
    const pipe = new Pipe(num(saved, 'serial'), queue, num(saved, 'capacity'));
    pipe.restore({ readerOpens: 0, writerOpens: 0, bytes: saved.bytes as Bytes });
    return pipe;
  });
  const descriptions = records(part, 'descriptions').map((saved) => restoreDescription(core, pipes, saved));
  if (descriptions.some((description) => description === undefined)) return -Errno.EINVAL;
  const made = descriptions as Description[];
  records(part, 'descriptions').forEach((saved, at) => {
    const description = made[at];
    if (description instanceof SocketDescription) linkSocket(description, saved.saved as Saved, made);
  });
  const memories = restoreMemories(core, part);
  if (typeof memories === 'number') return memories;
  return {
    terminals: terminals as Terminal[],
    pipes,
    descriptions: made,
    descriptors: (part.get('descriptors') as unknown as readonly (readonly Saved[])[]).map((entries) => restoreDescriptors(made, entries)),
    directories: records(part, 'directories').map((saved) => restoreDirectories(core, saved)),
    actions: (part.get('actions') as readonly Plain[]).map((saved) => {
      const actions = new SignalActions();
      actions.restore(saved);
      actions.references = 0;
      return actions;
    }),
    memories,
  };
}

/** With one reference, which the table of descriptions holds until all others were made. */
function restoreDescription(core: Core, pipes: readonly Pipe[], record: Saved): Description | undefined {
  const kind = record.kind as string;
  const saved = record.saved as Saved;
  const flags = num(record, 'flags');
  const description = makeDescription(core, pipes, kind, saved, flags);
  if (description === undefined) return undefined;
  description.flags = flags;
  const lock = num(record, 'lock');
  if (lock !== 0) core.locks.lock(description, lock);
  return description;
}

function makeDescription(core: Core, pipes: readonly Pipe[], kind: string, saved: Saved, flags: number): Description | undefined {
  switch (kind) {
    case 'pipe': {
      const pipe = pipes.find((candidate) => candidate.serial === num(saved, 'pipe'));
      if (pipe === undefined) return undefined;
      return new PipeEnd(pipe, flags, restoreFifo(core, pipe, saved), num(saved, 'peersSeen'));
    }
    case 'eventfd': {
      const semaphore = flag(saved, 'semaphore') ? EVENTFD_SEMAPHORE : 0;
      return new EventCounter(num(saved, 'serial'), core.queue(), flags | semaphore, num(saved, 'low'), num(saved, 'high'));
    }
    case 'timerfd': {
      const timer = new TimerDescriptor(num(saved, 'serial'), core.queue(), core.deadlines, num(saved, 'clock'), flags);
      timer.restore(saved as unknown as SavedTimer);
      return timer;
    }
    case 'epoll':
      return new EpollSet(num(saved, 'serial'), core.machine.events, core.queue());
    case 'socket':
      return restoreSocket(core, pipes, saved, flags);
    default:
      return core.files.restoreDescription(kind, saved);
  }
}

/** undefined for a pipe that is no fifo. */
function restoreFifo(core: Core, pipe: Pipe, saved: Saved): OpenFifo | undefined {
  const key = saved.fifo as string | null;
  const node = key === null ? undefined : core.files.restoreDescription('fifo', saved.node as Plain);
  if (key === null || node === undefined) return undefined;
  core.fifos.adopt(key, pipe);
  return { key, node };
}

function restoreDescriptors(descriptions: readonly Description[], entries: readonly Saved[]): DescriptorTable {
  const table = new DescriptorTable();
  table.references = 0;
  for (const entry of entries) {
    const description = descriptions[num(entry, 'description')] as Description;
    table.set(num(entry, 'fd'), description.hold(), flag(entry, 'closeOnExec'));
  }
  table.findLowestFree();
  return table;
}

/** A directory that is not there any more becomes the root. */
function restoreDirectories(core: Core, saved: Saved): SharedDirectories {
  const place = (key: string) => {
    const found = core.files.restorePlace(saved[key] as Plain);
    return found ?? core.files.root();
  };
  return { root: place('root'), cwd: place('cwd'), umask: num(saved, 'umask'), references: 0 };
}

function restoreMemories(core: Core, part: PartReader): Memory[] | Result {
  const memories: Memory[] = [];
  for (const [number, saved] of records(part, 'memories').entries()) {
    const space = core.cpu(saved.isa as Isa)?.space(core.machine.memory);
    if (space === undefined) return -Errno.EINVAL;
    if (typeof space === 'number') return space;
    const reply = space.restore(part.part(`space/${number}`), (id) => restoreSharedZeroes(id) ?? core.files.restoreBacking(id));
    if (typeof reply !== 'number') return -Errno.EIO;
    if (reply < 0) return reply;
    const memory = new Memory(space, address(saved, 'heapStart'), address(saved, 'heapEnd'), address(saved, 'mapStart'));
    memory.references = 0;
    for (const entry of saved.backings as readonly Saved[]) keepBacking(core, memory, entry);
    memories.push(memory);
  }
  return memories;
}

/** The file behind a mapping lives as long as the memory does. */
function keepBacking(core: Core, memory: Memory, entry: Saved): void {
  const place = entry.place === null ? undefined : core.files.restorePlace(entry.place as Plain);
  if (place === undefined) return;
  core.files.holdBacking(place);
  const hold = new ProgramHold({ place, close: () => core.files.dropBacking(place) });
  memory.keep(entry.id as string, hold);
  hold.release();
}

function restoreProcesses(core: Core, restored: Restored, saved: readonly Saved[]): void {
  for (const record of saved) {
    const pid = num(record, 'pid');
    const limits = Float64Array.from(record.limits as readonly number[], (limit) => (limit < 0 ? Number.POSITIVE_INFINITY : limit));
    const credentials = record.credentials as unknown as Process['credentials'];
    const process = pid === 1 ? core.init : core.makeProcess(pid, undefined, credentials, limits);
    restoreProcess(core, restored, process, record);
  }
  for (const record of saved) {
    const process = core.processes.get(num(record, 'pid')) as Process;
    const parent = core.processes.get(num(record, 'parent'));
    process.parent = parent;
    parent?.children.add(process);
  }
}

function restoreProcess(core: Core, restored: Restored, process: Process, record: Saved): void {
  process.processGroup = num(record, 'processGroup');
  process.session = num(record, 'session');
  process.controllingTerminal = restored.terminals[num(record, 'terminal')];
  process.pending.restore(record.pending as Plain);
  Object.assign(process.usage, record.usage as unknown as Usage);
  Object.assign(process.childrenUsage, record.childrenUsage as unknown as Usage);
  const timer = record.timer as unknown as { armed: boolean; deadline: Instant; interval: Instant };
  if (timer.armed) process.timer.arm(timer.deadline, timer.interval);
  process.exitSignal = num(record, 'exitSignal');
  process.status = (record.status as unknown as ExitStatus | null) ?? undefined;
  process.ending = flag(record, 'ending');
  process.zombie = flag(record, 'zombie');
  process.stopped = flag(record, 'stopped');
  core.signals.restoreStopped(process);
  process.stopSignal = num(record, 'stopSignal');
  process.report = (record.report as JobReport | null) ?? undefined;
  process.executed = flag(record, 'executed');
  process.subreaper = flag(record, 'subreaper');
  process.kept = flag(record, 'kept');
  const place = record.executable === null ? undefined : core.files.restorePlace(record.executable as Plain);
  process.executable = place === undefined ? undefined : new ProgramHold({ place, close: () => core.files.drop(place) });
  process.lastName = record.lastName as Bytes;
  process.argv = record.argv as unknown as readonly Bytes[];
  process.environment = record.environment as unknown as readonly Bytes[];
  process.startNs = num(record, 'startNs');
}

function restoreTasks(core: Core, restored: Restored, part: PartReader): Result {
  const saved = records(part, 'tasks');
  for (const record of saved) {
    const task = makeTask(core, restored, record, part);
    if (typeof task === 'number') return task;
    fillTask(restored, task, record);
    core.tasks.set(task.id, task);
  }
  for (const record of saved) {
    const child = core.tasks.get(num(record, 'vforkChild'));
    const task = core.tasks.get(num(record, 'id')) as UnixTask;
    task.vforkChild = child;
    if (child !== undefined) child.vforkParent = task;
  }
  return 0;
}

function makeTask(core: Core, restored: Restored, record: Saved, part: PartReader): UnixTask | Result {
  const cpu = core.cpu(record.isa as Isa);
  const personality = core.personalities.find(({ abi }) => abi === record.abi);
  const process = core.processes.get(num(record, 'process'));
  const memory = restored.memories[num(record, 'memory')];
  const descriptors = restored.descriptors[num(record, 'descriptors')];
  const directories = restored.directories[num(record, 'directories')];
  const actions = restored.actions[num(record, 'actions')];
  if (cpu === undefined || personality === undefined || process === undefined) return -Errno.EINVAL;
  if (memory === undefined || descriptors === undefined || directories === undefined || actions === undefined) return -Errno.EINVAL;
  const context = cpu.context(memory.space);
  if (typeof context === 'number') return context;
  if ('on' in context) return -Errno.EIO;
  const reply = context.restore(part.part(`context/${num(record, 'id')}`));
  if (typeof reply !== 'number') return -Errno.EIO;
  if (reply < 0) return reply;
  memory.references++;
  descriptors.references++;
  directories.references++;
  actions.references++;
  return new UnixTask(num(record, 'id'), process, { context, cpu, personality }, { memory, descriptors, directories, actions });
}

function fillTask(restored: Restored, task: UnixTask, record: Saved): void {
  const mask = (key: string) => (record[key] as unknown as { low: number; high: number } | null) ?? undefined;
  if (flag(record, 'hasProgress')) task.progress = record.progress;
  if (flag(record, 'hasCallNote')) task.callNote = record.callNote;
  if (flag(record, 'hasNote')) task.note = record.note;
  task.name = record.name as Bytes;
  task.pending.restore(record.pending as Plain);
  task.maskLow = num(record, 'maskLow');
  task.maskHigh = num(record, 'maskHigh');
  task.savedMask = mask('savedMask');
  task.taking = mask('taking');
  task.altStack = (record.altStack as unknown as UnixTask['altStack'] | null) ?? undefined;
  task.parkOrder = num(record, 'parkOrder');
  task.turnLeft = num(record, 'turnLeft');
  const futex = record.futex as Saved | null;
  if (futex !== null) {
    const memory = restored.memories[num(futex, 'memory')] as Memory;
    task.futex = { key: '', memory, at: address(futex, 'at'), bits: num(futex, 'bits'), woken: flag(futex, 'woken') };
  }
  task.opening = restored.descriptions[num(record, 'opening')]?.hold();
  task.clearTidAt = num(record, 'clearTidAt');
  task.robustHead = num(record, 'robustHead');
  task.robustBytes = num(record, 'robustBytes');
}

function restoreEpolls(restored: Restored, entries: readonly Saved[]): void {
  for (const entry of entries) {
    const set = restored.descriptions[num(entry, 'epoll')];
    const description = restored.descriptions[num(entry, 'description')];
    if (!(set instanceof EpollSet) || description === undefined) continue;
    set.restoreEntry({
      fd: num(entry, 'fd'),
      description,
      events: num(entry, 'events'),
      dataLow: num(entry, 'dataLow'),
      dataHigh: num(entry, 'dataHigh'),
      disarmed: flag(entry, 'disarmed'),
      edge: flag(entry, 'edge'),
    });
  }
}

/** Ready tasks in their order; then parked ones, in the order in which they were parked: they ask again. Tasks of stopped processes stay held. */
function enqueueAll(core: Core, part: PartReader): Result {
  const ready = part.get('ready') as readonly number[];
  for (const id of ready) core.scheduler.enqueue(core.tasks.get(id) as UnixTask);
  const parked: UnixTask[] = [];
  for (const record of records(part, 'tasks')) {
    const task = core.tasks.get(num(record, 'id')) as UnixTask;
    if (record.state === 'held') task.state = 'held';
    else if (!ready.includes(task.id)) parked.push(task);
  }
  parked.sort((a, b) => a.parkOrder - b.parkOrder);
  for (const task of parked) core.scheduler.enqueue(task);
  return 0;
}
