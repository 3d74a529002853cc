import { type Instant, PAGE_BYTES, type Reply, type Result } from '@ashlar/hardware';
import type { Io, TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import { instant } from '../instant.ts';
import type { UnixTask } from '../task.ts';

type Names = 'random' | 'information';

/** Most bytes of one `random`. */
const RANDOM_BYTES_MAX = 65_536;
const RANDOM_PIECE_BYTES = 4096;

/** The `system` group of TaskSystem. */
export class SystemCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;
  readonly #piece = new Uint8Array(RANDOM_PIECE_BYTES);
  readonly #now: Instant = instant();

  constructor(core: Core) {
    this.#core = core;
  }

  random(task: UnixTask, io: Io): Reply {
    const length = Math.min(io.length, RANDOM_BYTES_MAX);
    for (let at = 0; at < length; ) {
      const piece = this.#piece.subarray(0, Math.min(length - at, RANDOM_PIECE_BYTES));
      this.#core.machine.entropy(piece);
      const put = io.put(at, piece);
      if (typeof put !== 'number') {
        task.interruptible = false;
        return at > 0 ? at : put;
      }
      if (put <= 0) return at > 0 ? at : put;
      at += put;
    }
    this.#core.work += length;
    return length;
  }

  information(task: UnixTask): Result {
    const { memory } = this.#core.machine;
    this.#core.clock('monotonic', this.#now);
    task.values[0] = this.#now.sec;
    task.values[1] = memory.limitPages * PAGE_BYTES;
    task.values[2] = (memory.limitPages - memory.usedPages) * PAGE_BYTES;
    task.values[3] = this.#core.tasks.size;
    return 0;
  }
}
