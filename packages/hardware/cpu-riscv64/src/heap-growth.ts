import { isMainThread, nodeV8, v8Version, withV8Flag } from './v8-flags.ts';

/**
 * Bytes of V8's new space, both halves of it, that are enough for translating. By itself it grows to 32 MiB, all of them resident, as soon as some 15 MiB in
 * all have outlived a collection there.
 */
const ENOUGH_BYTES = 8 * 2 ** 20;

/**
 * How V8's heap grows, in the version that this was tried on: as a rule, where the old space may become several times as large as what was alive in it before
 * it is looked at again; and modestly: new space stays as it is, and the old space may grow by a quarter, since more of what a translation makes and is done
 * with outlives a small new space.
 */
const [AS_A_RULE, MODESTLY] = [
  '--semi-space-growth-factor=2 --heap-growing-percent=0',
  '--semi-space-growth-factor=1 --heap-growing-percent=25',
];
const KNOWN_V8 = '11';

let wishes = 0;

/**
 * The wish that V8's heap grow modestly, which it does as long as anybody in the process has it: what translating leaves behind would double it otherwise, for
 * no gain in time. Nothing in hosts whose heap is not known, nor in threads, which may be ended before they set back what is the process's.
 */
export class ModestGrowth {
  #isWished = false;

  /** To be called at first and now and then: new space begins small, and has to grow until it is large enough. */
  wishIfEnough(): void {
    if (this.#isWished || v8Version !== KNOWN_V8 || newSpaceBytes() < ENOUGH_BYTES || !isMainThread()) return;
    this.#isWished = true;
    if (wishes++ === 0) nodeV8()?.setFlagsFromString?.(MODESTLY);
  }

  end(): void {
    if (!this.#isWished) return;
    this.#isWished = false;
    if (--wishes === 0) nodeV8()?.setFlagsFromString?.(AS_A_RULE);
  }
}

/** As `make`, with the wish while it runs. */
export function withModestGrowth<T>(make: () => T): T {
  const growth = new ModestGrowth();
  growth.wishIfEnough();
  try {
    return make();
  } finally {
    growth.end();
  }
}

/**
 * As `make`, in a V8 whose heap is known, under the flags that it has when nobody in the process wishes otherwise, in whichever thread: machine code counts for
 * one set of flags.
 */
export function withUsualGrowth<T>(make: () => T): T {
  return withV8Flag(AS_A_RULE, wishes === 0 ? AS_A_RULE : MODESTLY, make);
}

function newSpaceBytes(): number {
  const spaces = nodeV8()?.getHeapSpaceStatistics?.() ?? [];
  return spaces.find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
