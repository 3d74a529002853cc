import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { guestStack } from './guest-stack.ts';

/**
 * Domains made between two looks at memory; `node bench/dist/churn.js` makes ten thousand. The heap moves by megabytes for other reasons, such as code that
 * V8 compiles meanwhile, but it does not grow every time unless something is kept every time.
 */
const DOMAINS = 20;
const LOOKS_MAX = 12;
/** What a domain that were kept would hold, its tables and caches alone, is several times as much. */
const KEPT_BYTES_MAX = 20_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function churn(domains: number): Promise<void> {
  for (let i = 0; i < domains; i++) {
    const stack = await guestStack({ hypervisors: ['direct'] });
    try {
      const program = i % 2 === 0 ? '/guests/hello' : '/guests/calls';
      expect((await stack.run([program])).status).toBe(0);
    } finally {
      await stack.stop();
    }
  }
}

async function heapBytes(): Promise<number> {
  // What waits for the end of a turn is let go of as well.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('domains made and destroyed one after another', () => {
  it('leave nothing behind in the process', async () => {
    let before = await heapBytes();
    const grown: number[] = [];
    do {
      await churn(DOMAINS);
      const now = await heapBytes();
      grown.push((now - before) / DOMAINS);
      before = now;
    } while ((grown.at(-1) as number) > KEPT_BYTES_MAX && grown.length < LOOKS_MAX);
    expect(Math.min(...grown)).toBeLessThanOrEqual(KEPT_BYTES_MAX);
  });
});
