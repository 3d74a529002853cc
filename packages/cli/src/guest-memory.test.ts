import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { guestPrograms } from '@ashlar/guests';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from './index.ts';

/** Memory of this size is not kept for the next guest. */
const LARGE_BYTES = 64 * 2 ** 20;

/** Memories made since this was begun, so far as anything holds on to them. */
class Memories {
  readonly #plain = WebAssembly.Memory;
  readonly #made: WeakRef<WebAssembly.Memory>[] = [];

  begin(): void {
    const note = (memory: WebAssembly.Memory): number => this.#made.push(new WeakRef(memory));
    WebAssembly.Memory = class extends this.#plain {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        note(this);
      }
    };
  }

  end(): void {
    WebAssembly.Memory = this.#plain;
  }

  /** What the large ones contain: something that is only looked at may be held without the memory itself. */
  large(): WeakRef<ArrayBuffer>[] {
    const buffers = this.#made.flatMap((memory) => memory.deref()?.buffer ?? []);
    return buffers.filter(({ byteLength }) => byteLength > LARGE_BYTES).map((buffer) => new WeakRef(buffer));
  }
}

/** What was looked at lives as long as the task that did. */
async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('memory of a guest', () => {
  const memories = new Memories();
  beforeAll(() => memories.begin());
  afterAll(() => memories.end());

  it('can be given back to the host when its stack is stopped, whoever still knows the stack', async () => {
    const stack = await start({
      ashlar: 1,
      memory: '256MiB',
      hypervisors: ['direct'],
      userspace: { use: ['linux'], volumes: [{ host: guestPrograms, guest: '/guests', readOnly: true }] },
    });
    const guest = await stack.spawn(['/guests/mmap-reserve']);
    expect(await guest.exit).toMatchObject({ code: 0 });
    const held = memories.large();
    await stack.stop();
    await collectGarbage();
    expect(held.length).toBeGreaterThan(0);
    expect(held.filter((buffer) => buffer.deref() !== undefined)).toHaveLength(0);
    expect(stack.statistics()).toBeDefined();
  });
});
