import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Console, Manifest, Shape, Share } from '@ashlar/hardware';
import { EventHub, openPartition, RingClient, type RingHandle } from './index.ts';

/** What the thread of the ring tests is told to do with its partition. */
export interface RingTask {
  readonly manifest: Manifest;
  readonly ring: RingHandle;
  readonly task: 'write' | 'large' | 'event' | 'deeper' | 'gone';
  readonly depth: number;
}

/** Runs in a thread of its own: opens the partition over the ring, does the task, and posts the result. */
export async function ringThread(port: NonNullable<typeof parentPort>, { manifest, ring, task, depth }: RingTask): Promise<void> {
  // Waiting for shared memory does not keep a thread alive; having somebody to listen to does.
  port.on('message', () => undefined);
  const events = new EventHub();
  const channel = new RingClient(ring, { post: (request) => port.postMessage({ branch: request }) });
  const machine = openPartition(manifest, channel, { cpus: [], events });
  const share = machine.device('root') as Share;
  const done = (result: unknown): void => port.postMessage({ result, crossings: machine.crossings });
  if (task === 'write') {
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += share.write(1, i, new Uint8Array([i])) as number;
    done(sum);
  } else if (task === 'large') {
    const data = new Uint8Array(1 << 20).map((_, i) => i * 31);
    const back = new Uint8Array(1 << 20);
    const results = [];
    for (let i = 0; i < 5; i++)
      results.push(
        share.write(1, i, data),
        share.read(1, i, back),
        back.every((value, at) => value === data[at]),
      );
    done(results);
  } else if (task === 'event') {
    const wait = (machine.device('log') as Console).read(new Uint8Array(1));
    if (typeof wait === 'number') return done(wait);
    const key = wait.on[0];
    if (key === undefined) return done('no key');
    port.postMessage({ waiting: true });
    while (events.last(key) === 0) await new Promise<void>((resolve) => events.onNext(resolve));
    done('woken');
  } else if (task === 'gone') {
    port.postMessage({ waiting: true });
    const results = new Set<unknown>();
    while (!results.has(-19)) results.add(share.fsync(1));
    done([...results].at(-1));
  } else deeper(machine, port, manifest.shape, depth, done);
}

/** A thread within this thread, whose frames go straight to the far end. */
function deeper(
  machine: ReturnType<typeof openPartition>,
  port: NonNullable<typeof parentPort>,
  shape: Shape,
  depth: number,
  done: (result: unknown) => void,
): void {
  const partition = machine.partition(shape, { pages: shape.pages - 1, weight: 100, capPerMille: 1000 });
  if ('refused' in partition) {
    done(partition);
    return;
  }
  const task: RingTask = {
    manifest: partition.manifest,
    ring: partition.branch?.() as RingHandle,
    task: depth > 1 ? 'deeper' : 'write',
    depth: depth - 1,
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  worker.on('message', (message: { branch?: unknown; result?: unknown; crossings?: unknown }) => {
    if (message.branch !== undefined) partition.adopt?.(message.branch);
    else port.postMessage({ ...message, above: machine.crossings });
  });
}

if (parentPort !== null && (workerData as RingTask | null)?.ring !== undefined) void ringThread(parentPort, workerData as RingTask);
