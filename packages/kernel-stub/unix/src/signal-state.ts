import { Errno, type Plain, type Result } from '@ashlar/hardware';
import type { SignalAction, SignalInfo } from '@ashlar/kernel-stub';
import { DEFAULT_HANDLER, highBit, lowBit, QUEUED_SIGNALS_MAX, SIGNAL_MAX } from './signals.ts';

/** Signals sent and not yet delivered, to a process or to one thread. Standard signals merge; real-time ones queue in order. */
export class PendingSignals {
  low = 0;
  high = 0;
  #queue: SignalInfo[] = [];

  get empty(): boolean {
    return (this.low | this.high) === 0;
  }

  has(signal: number): boolean {
    return ((this.low & lowBit(signal)) | (this.high & highBit(signal))) !== 0;
  }

  /** 0; also when a standard signal was there already. -EAGAIN if the queue is full. */
  add(info: SignalInfo): Result {
    if (info.signal < 32 && this.has(info.signal)) return 0;
    if (this.#queue.length >= QUEUED_SIGNALS_MAX) return -Errno.EAGAIN;
    this.#queue.push(info);
    this.low = (this.low | lowBit(info.signal)) >>> 0;
    this.high = (this.high | highBit(info.signal)) >>> 0;
    return 0;
  }

  /** Takes the first of that signal. */
  take(signal: number): SignalInfo | undefined {
    const at = this.#queue.findIndex((info) => info.signal === signal);
    if (at < 0) return undefined;
    const [info] = this.#queue.splice(at, 1);
    if (!this.#queue.some((other) => other.signal === signal)) this.#clear(lowBit(signal), highBit(signal));
    return info;
  }

  /** Forgets all signals of a set. */
  discard(low: number, high: number): void {
    if (((this.low & low) | (this.high & high)) === 0) return;
    this.#queue = this.#queue.filter((info) => ((lowBit(info.signal) & low) | (highBit(info.signal) & high)) === 0);
    this.#clear(low, high);
  }

  save(): Plain {
    return this.#queue.map((info) => ({ ...info }));
  }

  restore(saved: Plain): void {
    for (const info of saved as unknown as readonly SignalInfo[]) this.add(info);
  }

  #clear(low: number, high: number): void {
    this.low = (this.low & ~low) >>> 0;
    this.high = (this.high & ~high) >>> 0;
  }
}

const defaultEntry = (): SignalAction => ({ handler: DEFAULT_HANDLER, flags: 0, restorer: 0, maskLow: 0, maskHigh: 0 });

export function copyAction(from: SignalAction, to: SignalAction): void {
  to.handler = from.handler;
  to.flags = from.flags;
  to.restorer = from.restorer;
  to.maskLow = from.maskLow;
  to.maskHigh = from.maskHigh;
}

/** The table of sigaction(2): shared by threads, copied by fork. */
export class SignalActions {
  references = 1;
  readonly #table: SignalAction[] = Array.from({ length: SIGNAL_MAX + 1 }, defaultEntry);

  of(signal: number): SignalAction {
    return this.#table[signal] as SignalAction;
  }

  copy(): SignalActions {
    const other = new SignalActions();
    for (let signal = 1; signal <= SIGNAL_MAX; signal++) copyAction(this.of(signal), other.of(signal));
    return other;
  }

  /** exec: handlers go back to the default; ignored signals stay ignored. */
  resetHandlers(): void {
    for (let signal = 1; signal <= SIGNAL_MAX; signal++) {
      const action = this.of(signal);
      if (action.handler > 1) action.handler = DEFAULT_HANDLER;
      action.flags = 0;
      action.restorer = 0;
      action.maskLow = 0;
      action.maskHigh = 0;
    }
  }

  save(): Plain {
    return this.#table.map((action) => ({ ...action }));
  }

  restore(saved: Plain): void {
    const table = saved as unknown as readonly SignalAction[];
    for (let signal = 1; signal <= SIGNAL_MAX; signal++) copyAction(table[signal] as SignalAction, this.of(signal));
  }
}
