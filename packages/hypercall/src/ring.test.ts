import { Worker } from 'node:worker_threads';
import { Errno, FRAME_BYTES_MAX } from '@ashlar/hardware';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createRing, describeFrame, type FrameDescription, openRingServer, RingClient } from './index.ts';
import { LIMITS, SHAPE, type TestMachine, testMachine } from './recording-device.test-support.ts';
import type { RingTask } from './ring-thread.test-support.ts';
import { CORRUPT, EMPTY, SharedRing } from './shared-ring.ts';

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

interface Message {
  readonly result?: unknown;
  readonly waiting?: boolean;
  readonly branch?: unknown;
  readonly crossings?: { readonly frames: number };
  readonly above?: { readonly frames: number };
}

/** Runs a task in a thread over a ring that is tapped; `onWaiting` is called when the thread says that it waits. */
async function inThread(
  test: TestMachine,
  task: RingTask['task'],
  depth: number,
  onWaiting: (revoke: () => void) => void = () => undefined,
) {
  const partition = test.machine.partition(SHAPE, LIMITS);
  if ('refused' in partition) throw new Error('refused');
  const ring = createRing();
  const frames: FrameDescription[] = [];
  partition.serve(
    openRingServer(ring, (_toward, frame) => {
      const description = describeFrame(frame);
      if (typeof description === 'number') throw new Error(`refused frame on the ring: ${description}`);
      frames.push(description);
    }),
  );
  const worker = new Worker(new URL('../dist/ring-thread.test-support.js', import.meta.url), {
    workerData: { manifest: partition.manifest, ring, task, depth } satisfies RingTask,
  });
  workers.push(worker);
  const message = await new Promise<Message>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: Message) => {
      if (message.branch !== undefined) partition.adopt(message.branch);
      else if (message.waiting === true) onWaiting(() => partition.revoke());
      else resolve(message);
    });
  });
  return { ...message, frames };
}

describe('a ring between threads', () => {
  it('HC-60 carries requests, and nothing but frames', async () => {
    const test = testMachine();
    test.script = () => 1;
    const { result, crossings, frames } = await inThread(test, 'write', 0);
    expect(result).toBe(1000);
    expect(test.seen.length).toBe(1000);
    expect(frames.filter((frame) => frame.type === 'request').length).toBe(crossings?.frames);
  });

  it('HC-61 carries the largest payloads both ways', async () => {
    const test = testMachine();
    let stored = new Uint8Array(0);
    test.script = (method, args) => {
      if (method === 'write') stored = (args[2] as Uint8Array).slice();
      else (args[2] as Uint8Array).set(stored);
      return 1 << 20;
    };
    const { result } = await inThread(test, 'large', 0);
    expect(result).toEqual(Array.from({ length: 5 }, () => [1 << 20, 1 << 20, true]).flat());
  });

  it('HC-62 wakes a thread that waits for an event', async () => {
    const test = testMachine();
    const key = test.events.allocate();
    test.script = () => ({ on: [key] });
    const { result } = await inThread(test, 'event', 0, () => test.events.fire(key));
    expect(result).toBe('woken');
  });

  it('HC-63 answers a thread whose partition was revoked with -ENODEV', async () => {
    const { result } = await inThread(testMachine(), 'gone', 0, (revoke) => revoke());
    expect(result).toBe(-Errno.ENODEV);
  });

  it('HC-64 links a thread in a thread in a thread straight to the far end', async () => {
    const test = testMachine();
    test.script = () => 1;
    const { result, crossings, above, frames } = await inThread(test, 'deeper', 2);
    expect(result).toBe(1000);
    expect(crossings?.frames).toBe(1001);
    expect(above?.frames).toBe(2);
    expect(frames.length).toBeLessThan(10);
  });

  it('HC-65 ends when its server closes', () => {
    const ring = createRing();
    const client = new RingClient(ring, { pump: false });
    openRingServer(ring).close(-Errno.EIO);
    expect(client.call(new Uint8Array(24), new Uint8Array(24))).toBe(-Errno.ENODEV);
  });
});

describe('a shared ring', () => {
  const ringOf = (bytes: number, at: number): { ring: SharedRing; control: Int32Array } => {
    const control = new Int32Array(new SharedArrayBuffer(8)).fill(at);
    return { ring: new SharedRing(control, 0, 1, new Uint8Array(new SharedArrayBuffer(bytes))), control };
  };

  it('HC-66 gives frames back whole and in order, across its edge and the wrap of its counters', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constant('pop' as const))), (steps) => {
        const { ring } = ringOf(256, -64);
        const queue: Uint8Array[] = [];
        const into = new Uint8Array(256);
        for (const step of steps) {
          if (step === 'pop') {
            const length = ring.pop(into);
            const expected = queue.shift();
            expect(length).toBe(expected?.length ?? EMPTY);
            if (expected !== undefined) expect(into.slice(0, length)).toEqual(expected);
          } else if (ring.push(step)) queue.push(step);
          else expect(queue.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('HC-67 reads nothing out of bounds whatever the other side wrote', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.uint8Array({ minLength: 256, maxLength: 256 }), (head, tail, bytes) => {
        const control = new Int32Array(new SharedArrayBuffer(8));
        control[0] = head;
        control[1] = tail;
        const data = new Uint8Array(new SharedArrayBuffer(256));
        data.set(bytes);
        const length = new SharedRing(control, 0, 1, data).pop(new Uint8Array(FRAME_BYTES_MAX));
        expect(length === EMPTY || length === CORRUPT || (length >= 0 && length <= 252)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
