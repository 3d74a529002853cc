import type {
  Channel,
  Context,
  Exit,
  Instant,
  Machine,
  PartReader,
  PartWriter,
  Reply,
  Result,
  Step,
  Trap,
  TrapAnswer,
} from '@ashlar/hardware';
import { TrapAnswer as Answer, Errno } from '@ashlar/hardware';
import type { KernelStub, Personality } from '@ashlar/kernel-stub';
import { composeTaskSystem } from './compose.ts';
import { Core, STEP_WORK_MAX } from './core.ts';
import type { MakeFiles } from './files.ts';
import { compareInstants, instant, nanoseconds } from './instant.ts';
import { KernelHost } from './kernel-host.ts';
import { UnixSystem } from './operator.ts';
import { LONG_RUN, QUANTUM } from './scheduler.ts';
import { Signal } from './signals.ts';
import { restoreKernel } from './state-restore.ts';
import { saveKernel } from './state-save.ts';
import type { UnixTask } from './task.ts';

/** Slices of a step in which nothing was retired (a task asked again that parks again), beyond two per task: more are left for the next step. */
const EMPTY_SLICES = 64;

/**
 * The kernel under `posix` and `passthrough`: schedules tasks over the machine's CPUs and answers their operations. A stub extends it and gives
 * it its files.
 */
export class UnixKernel implements KernelStub {
  readonly schema: string = 'unix/1';
  readonly system: UnixSystem;
  readonly core: Core;
  readonly #onTrap = (_context: Context, trap: Trap): TrapAnswer => this.#trap(trap);
  #epoch: number;
  #stopping = false;

  // The step under way.
  #left = 0;
  #used = 0;
  #emptySlices = 0;
  #since = 0;
  #startRetired = 0;
  #entered: Context | undefined;
  readonly #until: Instant = instant();

  constructor(machine: Machine, makeFiles: MakeFiles) {
    this.core = new Core(machine);
    this.core.files = makeFiles(new KernelHost(this.core));
    this.core.system = composeTaskSystem(this.core);
    this.system = new UnixSystem(this.core);
    this.#epoch = machine.epoch;
  }

  install(personalities: readonly Personality[]): void {
    this.core.personalities = personalities;
  }

  step(budget: number): Step | Promise<Step> {
    const core = this.core;
    if (core.machine.epoch !== this.#epoch) {
      this.#epoch = core.machine.epoch;
      core.refresh();
    }
    this.#left = budget;
    this.#used = 0;
    this.#emptySlices = 0;
    core.work = 0;
    core.scheduler.begin();
    core.deadlines.expire(core.now());
    return this.#continue();
  }

  serve(_service: string, _channel: Channel): Result {
    return -Errno.ENOENT;
  }

  /** Kills every process. Answers 0 at once: what they held is given back here. */
  stop(): Reply {
    this.#stopping = true;
    for (const process of [...this.core.processes.values()]) {
      if (process !== this.core.init) this.core.life.endProcess(process, { code: 0, signal: Signal.KILL });
    }
    this.core.files.end();
    return 0;
  }

  save(out: PartWriter): Reply {
    return saveKernel(this.core, this.system, out);
  }

  restore(part: PartReader): Reply {
    return restoreKernel(this.core, this.system, part);
  }

  /** Runs tasks until the budget is used or none is ready. */
  #continue(): Step | Promise<Step> {
    const core = this.core;
    const most = EMPTY_SLICES + 2 * core.tasks.size;
    while (this.#left > 0 && this.#emptySlices <= most && core.work < STEP_WORK_MAX && !this.#stopping) {
      const task = core.scheduler.next();
      if (task === undefined) break;
      const exit = this.#enter(task);
      if (exit === undefined) continue;
      if (typeof exit === 'object') {
        return exit.then((settled) => {
          this.#leave(task, settled);
          return this.#continue();
        });
      }
      this.#leave(task, exit);
    }
    return this.#finish();
  }

  /** Delivers signals and runs the task for a quantum; undefined if it did not run. */
  #enter(task: UnixTask): Exit | Promise<Exit> | undefined {
    const core = this.core;
    if ((!task.askAgain || task.process.ending) && core.signals.prepare(task) === 'gone') {
      this.#emptySlices++;
      return undefined;
    }
    task.askAgain = false;
    task.parked = undefined;
    task.interruptible = true;
    task.attention = task.signalled;
    core.running = task;
    this.#entered = task.context;
    this.#startRetired = task.context.retired;
    core.sliceStartNs = nanoseconds(core.now());
    this.#since = core.machine.events.now();
    if (task.turnLeft <= 0) task.turnLeft = QUANTUM;
    // Nobody waits for the end of its turn, and each end costs translated code all the calls that it is in.
    const turn = core.scheduler.readyCount === 0 ? LONG_RUN : task.turnLeft;
    return task.cpu.run(task.context, task.space, this.#onTrap, Math.min(turn, this.#left));
  }

  /** After a run: accounts for it and decides where the task goes. */
  #leave(task: UnixTask, exit: Exit): void {
    const core = this.core;
    const retired = (this.#entered as Context).retired - this.#startRetired;
    this.#left -= retired;
    this.#used += retired;
    task.turnLeft -= retired;
    if (retired === 0) this.#emptySlices++;
    const now = core.now();
    const usage = task.process.usage;
    usage.userNs += nanoseconds(now) - core.sliceStartNs;
    core.deadlines.expire(now);
    if (exit === 'halted' && !task.ending) task.personality.onHalt(core.system, task);
    core.running = undefined;
    this.#entered = undefined;
    core.digest();
    if (task.ending || task.process.ending) {
      core.life.finish(task);
      return;
    }
    if (task.space.residentPages > usage.maxResidentPages) usage.maxResidentPages = task.space.residentPages;
    this.#place(task, exit);
  }

  #place(task: UnixTask, exit: Exit): void {
    const scheduler = this.core.scheduler;
    if (exit === 'stalled') {
      task.interruptible = false;
      task.turnLeft = 0;
      task.process.usage.voluntarySwitches++;
      scheduler.park(task, task.cpu.stall(task.context), this.#since);
      return;
    }
    if (exit === 'left' && task.parked !== undefined && !(task.signalled && task.interruptible)) {
      task.turnLeft = 0;
      task.process.usage.voluntarySwitches++;
      scheduler.park(task, task.parked, this.#since);
      return;
    }
    if ((exit === 'budget' || exit === 'left') && task.turnLeft > 0 && !task.yielded && task.parked === undefined) {
      scheduler.continueNext(task);
      return;
    }
    if (exit === 'budget') task.process.usage.involuntarySwitches++;
    task.turnLeft = 0;
    task.yielded = false;
    scheduler.enqueue(task);
  }

  #trap(trap: Trap): TrapAnswer {
    const task = this.core.running as UnixTask;
    if (trap.cause === 'nomemory') {
      if (this.core.files.reclaim() > 0) return Answer.RESUME;
      this.#outOfMemory(task);
      return Answer.LEAVE;
    }
    const answer = task.personality.onTrap(this.core.system, task, trap);
    // Whatever the personality thinks: a task that must not go on does not.
    const stays = task.ending || task.process.ending || task.parked !== undefined || this.core.work >= STEP_WORK_MAX;
    return stays || this.#isOvertime(task) ? Answer.LEAVE : answer;
  }

  /** Whether the task has had its turn, and another is ready by now. */
  #isOvertime({ context, turnLeft }: UnixTask): boolean {
    return this.core.scheduler.readyCount > 0 && context.retired - this.#startRetired >= turnLeft;
  }

  /** As Linux's OOM killer does: the process that wants more ends. */
  #outOfMemory(task: UnixTask): void {
    const name = new TextDecoder().decode(task.name);
    this.core.log(
      `Out of memory: killed process ${task.process.pid} (${name}); the domain's limit is ${this.core.machine.memory.limitPages} pages`,
    );
    this.core.life.endProcess(task.process, { code: 0, signal: Signal.KILL });
  }

  #finish(): Step {
    const core = this.core;
    core.scheduler.end();
    if (core.scheduler.readyCount > 0 && !this.#stopping) return { used: this.#used, wait: undefined };
    const timed = core.deadlines.earliest(this.#until);
    if (timed && compareInstants(this.#until, core.now()) <= 0) return { used: this.#used, wait: undefined };
    return { used: this.#used, wait: core.scheduler.idle(timed ? core.machineTime(this.#until) : undefined) };
  }
}
