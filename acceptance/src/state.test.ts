import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GuestStackOptions, guestStack } from './guest-stack.ts';
import type { Resumed, Resumption } from './resume.ts';

const RESUME = fileURLToPath(new URL('../dist/resume.js', import.meta.url));
/** An ELF program writes into a pipe, a wasm program reads it. */
const PIPELINE = ['/guests/pipeline', '/guests/lines', '120', '--', '/guests/upper.wasm'];
const MOMENTS = 20;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ashlar-state-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Moments in [1, most], the same each time: a multiplicative generator modulo 2^31 - 1. */
function moments(most: number): number[] {
  let state = 20_241_231;
  return Array.from({ length: MOMENTS }, () => {
    state = (state * 48_271) % 0x7fff_ffff;
    return 1 + (state % most);
  });
}

interface Stopped {
  readonly moment: number;
  readonly image: Uint8Array;
  readonly pid: number;
  /** What had been said by then. */
  readonly said: string;
}

/** Runs the pipeline for so many instructions, then saves everything. */
async function stopAt(options: GuestStackOptions, instructions: number): Promise<Stopped> {
  const stack = await guestStack(options, { paused: true });
  try {
    const starting = stack.spawn(PIPELINE);
    await stack.advance(instructions);
    const program = await starting;
    const said: Uint8Array[] = [];
    const reader = program.stdout.getReader();
    const drained = (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        said.push(value);
      }
    })();
    drained.catch(() => undefined);
    const image = await stack.save();
    // What was sent before the state was taken has arrived when the host's loop has turned.
    await new Promise((resolve) => setImmediate(resolve));
    return { moment: instructions, image, pid: program.pid, said: new TextDecoder().decode(Buffer.concat(said)) };
  } finally {
    await stack.stop();
  }
}

/** Goes on with each in another process; what they have left to say. */
function resume(stopped: readonly Stopped[], options: GuestStackOptions): readonly Resumed[] {
  const resumptions = stopped.map(({ image, pid }, index): Resumption => {
    const path = join(folder, `image-${index}`);
    writeFileSync(path, image);
    return { image: path, pid };
  });
  const args = [RESUME, JSON.stringify(options), JSON.stringify(resumptions)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return JSON.parse(stdout) as Resumed[];
}

async function wholeRun(options: GuestStackOptions): Promise<{ readonly text: string; readonly instructions: number }> {
  const stack = await guestStack(options);
  try {
    const { text, status } = await stack.run(PIPELINE);
    expect(status).toBe(0);
    return { text, instructions: (await stack.usage()).at(-1)?.retired ?? 0 };
  } finally {
    await stack.stop();
  }
}

describe.each([
  ['posix', { use: 'sim', seed: 42 }],
  // Requests to the share wait most of the time, so that most moments have one pending.
  ['passthrough', { use: 'sim', seed: 42, faults: { delayPerMille: 700, delayNsMax: 1_000_000, failPerMille: 0 } }],
] as const)('a pipeline of an ELF and a wasm process on %s', (kernel, hardware) => {
  it(`stopped at ${MOMENTS} moments under direct, goes on in another process under worker in direct`, async () => {
    const before: GuestStackOptions = { hardware, kernel, hypervisors: ['direct'] };
    const after: GuestStackOptions = { hardware, kernel, hypervisors: ['direct', 'worker'] };
    const whole = await wholeRun(before);
    expect(whole.text.split('\n')).toHaveLength(121);
    const stopped: Stopped[] = [];
    for (const moment of moments(whole.instructions)) stopped.push(await stopAt(before, moment));
    const resumed = resume(stopped, after);
    expect(resumed).toHaveLength(MOMENTS);
    for (const [index, { rest, status }] of resumed.entries()) {
      const { moment, said } = stopped[index] as Stopped;
      expect({ moment, status, text: said + rest }).toEqual({ moment, status: 0, text: whole.text });
    }
  });
});
