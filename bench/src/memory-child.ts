import { start, statusOf } from 'ashlar/bundled';
import type { Program } from './tools.ts';

// A process of its own: programs one after the other, each in a fresh stack, while the memory of this process and of the guest is looked at.
// Its one argument is a Task as JSON; the last thing it writes is a Trace as JSON.

/** What to run. */
export interface Task {
  readonly programs: readonly Program[];
  /** How often, all of them. */
  readonly rounds: number;
  readonly everyMs: number;
}

/** Memory at one moment. */
export interface Moment {
  readonly ms: number;
  /** Of the whole process. */
  readonly residentBytes: number;
  /** Pages of the guest that are there. */
  readonly guestBytes: number;
}

/** What was seen. */
export interface Trace {
  readonly moments: readonly Moment[];
  readonly statuses: readonly number[];
}

const PAGE_BYTES = 4096;
const moments: Moment[] = [];
const statuses: number[] = [];

/** The output is counted for nothing: kept, it would be memory of this process. */
async function discard(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _chunk of stream as unknown as AsyncIterable<Uint8Array>);
}

async function runOne({ path, args, folders, workdir = '/', memory = '512MiB' }: Program, everyMs: number): Promise<void> {
  const volumes = [...new Set(folders)].map((folder) => ({ host: folder, guest: folder, readOnly: true }));
  const stack = await start({ ashlar: 1, memory, hypervisors: ['direct'], userspace: { use: ['linux'], volumes, workdir } });
  const look = (): void => {
    const pages = Object.values(stack.statistics())[0]?.pages ?? 0;
    moments.push({
      ms: performance.now(),
      residentBytes: process.memoryUsage.rss(),
      guestBytes: pages * PAGE_BYTES,
    });
  };
  const timer = setInterval(look, everyMs);
  try {
    const guest = await stack.spawn([path, ...args]);
    await guest.stdin.close();
    const before = moments.length;
    const [exit] = await Promise.all([guest.exit, discard(guest.stdout), discard(guest.stderr)]);
    // Its pages are the process's again by now.
    if (moments.length === before) look();
    statuses.push(statusOf(exit));
  } finally {
    clearInterval(timer);
    await stack.stop();
  }
}

const { programs, rounds, everyMs } = JSON.parse(process.argv[2] ?? '') as Task;
for (let round = 0; round < rounds; round++) for (const program of programs) await runOne(program, everyMs);
process.stdout.write(JSON.stringify({ moments, statuses } satisfies Trace));
