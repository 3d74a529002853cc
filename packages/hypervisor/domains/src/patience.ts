import { Errno, type Events, type Reply, type Wait } from '@ashlar/hardware';
import { DomainError } from './domain-error.ts';

/** How often something that only a deadline ends is asked again, in host milliseconds. */
const ASK_AGAIN_MS = 1;

/** Rejects with ETIMEDOUT if `work` does not settle within `ms` host milliseconds. */
export function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DomainError(Errno.ETIMEDOUT, `${what} took longer than ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Asks until the answer is no wait; the answer. */
export async function askAgain(events: Events, ask: () => Reply): Promise<number> {
  for (;;) {
    const reply = ask();
    if (typeof reply === 'number') return reply;
    await woken(events, reply);
  }
}

/** Settles when a key of the wait may have fired, or soon if it has a deadline: whose clock that is does not matter here. */
function woken(events: Events, wait: Wait): Promise<void> {
  return new Promise((resolve) => {
    if (wait.on.length > 0) events.onNext(resolve);
    if (wait.on.length === 0 || wait.until !== undefined) setTimeout(resolve, ASK_AGAIN_MS);
  });
}
