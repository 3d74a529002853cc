import { exits, isMainThread, nodeV8, v8Version, withV8Flag } from './v8-flags.ts';

/**
 * Bytes of V8's new space, both halves of it, that are enough for translating. By itself it grows to 32 MiB, all of them resident, as soon as some 15 MiB in
 * all have outlived a collection there.
 */
const ENOUGH_BYTES = 4 * 2 ** 20;

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

/** For so long the heap goes on to grow modestly when nobody wishes it any more: one guest often follows another. Milliseconds. */
const LINGER_MS = 1000;

let wishes = 0;
let isModest = false;
let lingering: ReturnType<typeof setTimeout> | undefined;

/**
 * The wish that V8's heap grow modestly, which it does as long as anybody in the process has it, and a moment longer: what translating leaves behind would double
 * it otherwise, for no gain in time. Nothing in hosts whose heap is not known, nor in threads, which may be ended before they set back what is the process's.
 */
export class ModestGrowth {
  #isWished = false;

  /** To be called at first and now and then: new space begins small, and has to grow until it is large enough. */
  wishIfEnough(): void {
    if (this.#isWished || v8Version !== KNOWN_V8 || newSpaceBytes() < ENOUGH_BYTES || !isMainThread()) return;
    this.#isWished = true;
    wishes++;
    clearTimeout(lingering);
    if (!isModest) growModestly();
  }

  end(): void {
    if (!this.#isWished) return;
    this.#isWished = false;
    if (--wishes === 0) lingering = unattended(setTimeout(growAsARule, LINGER_MS));
  }
}

function growModestly(): void {
  nodeV8()?.setFlagsFromString?.(MODESTLY);
  isModest = true;
  // Before all others who wait for it: what they keep of V8's code counts for the usual flags.
  exits?.prependListener('exit', growAsARule);
}

function growAsARule(): void {
  nodeV8()?.setFlagsFromString?.(AS_A_RULE);
  isModest = false;
  exits?.off('exit', growAsARule);
}

/** A timer that the process does not wait for. */
function unattended(timer: typeof lingering): typeof lingering {
  (timer as { unref?(): void } | undefined)?.unref?.();
  return timer;
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
 * As `make`, in a V8 whose heap is known, under the flags that it has when it grows as usual, in whichever thread: machine code counts for
 * one set of flags.
 */
export function withUsualGrowth<T>(make: () => T): T {
  return withV8Flag(AS_A_RULE, isModest ? MODESTLY : AS_A_RULE, make);
}

function newSpaceBytes(): number {
  const spaces = nodeV8()?.getHeapSpaceStatistics?.() ?? [];
  return spaces.find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
