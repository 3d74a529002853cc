import type { ClockName, Instant, Machine, Result } from '@ashlar/hardware';
import { background } from './background.ts';
import type { Core } from './core.ts';
import type { Description } from './description.ts';
import type { Caller, ProcessView, UnixHost } from './host.ts';
import type { OpenFifo } from './pipe.ts';
import { processView } from './process-view.ts';
import { kernelSignal } from './signaling.ts';
import type { WaitQueue } from './wait-queue.ts';

/** The kernel as its files and terminals see it. */
export class KernelHost implements UnixHost {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  get machine(): Machine {
    return this.#core.machine;
  }

  clock(which: ClockName, out: Instant): void {
    this.#core.clock(which, out);
  }

  tag(): number {
    return this.#core.tag();
  }

  queue(): WaitQueue {
    return this.#core.queue();
  }

  serial(): number {
    return this.#core.serial();
  }

  signalGroup(group: number, signal: number): Result {
    return this.#core.signals.sendGroup(group, kernelSignal(signal));
  }

  background(caller: Caller, signal: number): Result {
    return background(this.#core, caller, signal);
  }

  fifo(fifo: OpenFifo, flags: number): Description {
    return this.#core.fifos.open(fifo, flags);
  }

  processes(): readonly ProcessView[] {
    const pids = [...this.#core.processes.keys()].sort((a, b) => a - b);
    return pids.map((pid) => this.process(pid) as ProcessView);
  }

  process(pid: number): ProcessView | undefined {
    const process = this.#core.processes.get(pid) ?? this.#core.tasks.get(pid)?.process;
    return process === undefined ? undefined : processView(process);
  }

  get tasksMade(): number {
    return this.#core.tasksMade;
  }

  get tasksRunnable(): number {
    return this.#core.scheduler.readyCount + 1;
  }

  get bootSec(): number {
    return this.#core.bootSec;
  }
}
