import {
  type Clock,
  Errno,
  type Events,
  type Executor,
  type Instant,
  type Payload,
  type Result,
  type Step,
  type Wait,
} from '@ashlar/hardware';
import { type HostTurn, hostTurn } from './host-turn.ts';
import { SLICE_INSTRUCTIONS, SlicePace } from './slice-pace.ts';

/** Time that an executor moves by itself: of hardware whose clocks run on retired instructions. */
export interface VirtualTime {
  /** Time passes by so many retired instructions. */
  retire(instructions: number): void;
  /** Nothing can run before `until` (monotonic): time jumps there. Never back. */
  skipTo(until: Instant): void;
}

export interface LoopOptions {
  /** Present on virtual-time hardware; then `advance` works, and every step is followed by a turn of the host's loop. */
  readonly virtual?: VirtualTime;
  /** Guest instructions of one step; default: with virtual time always the same, else as many as take a millisecond or a few. */
  readonly sliceInstructions?: number;
  /** Host milliseconds of stepping without a turn of the host's loop. */
  readonly turnMs?: number;
  /** The host's time in milliseconds since any moment; default: what `performance` says, which takes Node.js 2 ms to load. */
  readonly hostMs?: () => number;
}

const TURN_MS = 8;
/** The longest time one host timer takes; longer waits ask again. */
const TIMER_MS_MAX = 2 ** 30;

type State = 'idle' | 'due' | 'stepping' | 'waiting' | 'quiesced' | 'halted';

/**
 * The one place of a thread where anybody waits: steps a payload, and between steps lets the host's event loop run, sleeping when the payload
 * says it waits.
 */
export class LoopExecutor implements Executor {
  readonly failed: Promise<Error>;
  private fail!: (error: Error) => void;
  private state: State = 'idle';
  private payload: Payload | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Bumped whenever a wait ends, so that late timers and events of an earlier wait are ignored. */
  private turn = 0;
  private wantsQuiet: (() => void)[] = [];
  private readonly soon: HostTurn = hostTurn();
  private readonly sliceInstructions: number | undefined;
  private readonly pace = new SlicePace();
  private readonly turnMs: number;
  private readonly hostMs: () => number;
  private readonly virtual: VirtualTime | undefined;
  private readonly time: Instant = { sec: 0, nsec: 0 };

  constructor(
    private readonly events: Events,
    private readonly clock: Clock,
    options: LoopOptions = {},
  ) {
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
    this.sliceInstructions = options.sliceInstructions ?? (options.virtual === undefined ? undefined : SLICE_INSTRUCTIONS);
    this.turnMs = options.turnMs ?? TURN_MS;
    this.hostMs = options.hostMs ?? (() => performance.now());
    this.virtual = options.virtual;
  }

  start(payload: Payload): void {
    if (this.state !== 'idle') throw new Error(`executor is ${this.state}: start it once`);
    this.payload = payload;
    this.schedule();
  }

  async quiesce(): Promise<void> {
    if (this.state === 'stepping') await new Promise<void>((resolve) => this.wantsQuiet.push(resolve));
    if (this.state === 'halted') return;
    this.endWait();
    this.state = 'quiesced';
  }

  resume(): void {
    if (this.state === 'quiesced') {
      if (this.payload === undefined) this.state = 'idle';
      else this.schedule();
    }
  }

  async halt(): Promise<void> {
    await this.quiesce();
    this.state = 'halted';
    this.payload = undefined;
  }

  async advance(payload: Payload, instructions: number): Promise<Result> {
    if (this.virtual === undefined) return -Errno.ENOSYS;
    if (this.state !== 'idle' && this.state !== 'quiesced') return -Errno.EBUSY;
    const before = this.state;
    this.state = 'stepping';
    try {
      let used = 0;
      while (used < instructions) {
        const seen = this.events.now();
        const step = await payload.step(Math.min(this.sliceInstructions ?? SLICE_INSTRUCTIONS, instructions - used));
        used += step.used;
        this.virtual.retire(step.used);
        await new Promise<void>((resolve) => this.soon(resolve));
        if (step.wait !== undefined && !this.skip(step.wait, seen)) break;
      }
      return used;
    } finally {
      this.state = before;
      this.tellQuiet();
    }
  }

  private schedule(): void {
    this.state = 'due';
    const turn = ++this.turn;
    this.soon(() => {
      if (this.turn === turn && this.state === 'due') this.run();
    });
  }

  /** Steps until the payload waits, a promise is under way, or the host's loop is due. */
  private run(): void {
    const payload = this.payload;
    if (payload === undefined) return;
    let begun = this.hostMs();
    const end = begun + this.turnMs;
    this.state = 'stepping';
    try {
      for (;;) {
        const seen = this.events.now();
        const step = payload.step(this.sliceInstructions ?? this.pace.instructions);
        if (step instanceof Promise) {
          step.then(
            (done) => this.after(done, seen),
            (error: unknown) => this.crash(error),
          );
          return;
        }
        const now = this.hostMs();
        this.pace.took(step.used, now - begun);
        begun = now;
        if (step.wait !== undefined || this.virtual !== undefined || this.wantsQuiet.length > 0 || now >= end) {
          this.after(step, seen);
          return;
        }
      }
    } catch (error) {
      this.crash(error);
    }
  }

  private after(step: Step, seen: number): void {
    this.virtual?.retire(step.used);
    if (this.state === 'halted') return;
    if (this.wantsQuiet.length > 0) {
      this.state = 'quiesced';
      this.tellQuiet();
    } else if (step.wait === undefined || this.fired(step.wait, seen) || (this.virtual !== undefined && this.skip(step.wait, seen))) {
      this.schedule();
    } else {
      this.waitFor(step.wait, seen);
    }
  }

  private crash(error: unknown): void {
    this.state = 'halted';
    this.payload = undefined;
    this.tellQuiet();
    this.fail(error instanceof Error ? error : new Error(String(error)));
  }

  private tellQuiet(): void {
    for (const resolve of this.wantsQuiet.splice(0)) resolve();
  }

  private fired(wait: Wait, seen: number): boolean {
    return wait.on.some((key) => this.events.last(key) > seen);
  }

  /** Virtual time only: whether there is more to do now, after an idle skip where only the deadline is left. */
  private skip(wait: Wait, seen: number): boolean {
    if (this.fired(wait, seen)) return true;
    if (wait.until === undefined) return false;
    this.virtual?.skipTo(wait.until);
    return true;
  }

  private waitFor(wait: Wait, seen: number): void {
    this.state = 'waiting';
    const turn = ++this.turn;
    this.listen(wait, seen, turn);
    this.arm(wait.until, turn);
  }

  private listen(wait: Wait, seen: number, turn: number): void {
    this.events.onNext(() => {
      if (this.turn !== turn || this.state !== 'waiting') return;
      if (this.fired(wait, seen)) this.wake();
      else this.listen(wait, seen, turn);
    });
  }

  /** A timer also without a deadline: it keeps the host's process alive as long as something may still fire. */
  private arm(until: Instant | undefined, turn: number): void {
    let delayMs = TIMER_MS_MAX;
    if (until !== undefined) {
      this.clock.read('monotonic', this.time);
      delayMs = Math.min(TIMER_MS_MAX, Math.ceil((until.sec - this.time.sec) * 1000 + (until.nsec - this.time.nsec) / 1e6));
    }
    if (delayMs <= 0) {
      this.wake();
      return;
    }
    this.timer = setTimeout(() => {
      if (this.turn !== turn || this.state !== 'waiting') return;
      if (until !== undefined) this.wake();
      else this.arm(until, turn);
    }, delayMs);
  }

  private wake(): void {
    this.endWait();
    this.schedule();
  }

  private endWait(): void {
    this.turn++;
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
  }
}
