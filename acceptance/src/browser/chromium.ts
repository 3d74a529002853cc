import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run'],
  ...[
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-extensions',
    '--no-default-browser-check',
  ],
];
/** What a page may send. */
const RESULT_BYTES_MAX = 16 << 20;
const STDERR_CHARS = 4000;
const REMOVALS_MAX = 30;
const REMOVAL_DELAY_MS = 100;

export function findChromium(): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

/**
 * Serves files at localhost, opens `/` in a headless Chromium, and gives what the page posts to `/result`. Pages are cross-origin isolated, so that they
 * have shared memory.
 */
export async function resultOfPage(chromium: string, files: ReadonlyMap<string, { type: string; bytes: Uint8Array }>): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), 'ashlar-chromium-'));
  let browser: ChildProcess | undefined;
  let server: Server | undefined;
  try {
    const { posted, listening } = serve(files);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const url = `http://localhost:${(listening.address() as AddressInfo).port}/`;
    browser = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, url], { stdio: ['ignore', 'ignore', 'pipe'] });
    return await Promise.race([posted, failureOf(browser)]);
  } finally {
    server?.closeAllConnections();
    server?.close();
    if (browser !== undefined) await end(browser);
    await discard(profile);
  }
}

function serve(files: ReadonlyMap<string, { type: string; bytes: Uint8Array }>): { posted: Promise<unknown>; listening: Server } {
  let settle: (value: unknown) => void = () => undefined;
  const posted = new Promise((resolve) => {
    settle = resolve;
  });
  const listening = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST' && request.url === '/result') {
      void bodyOf(request).then((text) => {
        response.end();
        settle(JSON.parse(text));
      });
      return;
    }
    const file = files.get(request.url ?? '');
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': file?.type ?? 'text/plain',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(file?.bytes);
  });
  return { posted, listening };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > RESULT_BYTES_MAX) throw new Error(`the page sends more than ${RESULT_BYTES_MAX} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

/** Rejects when the browser ends before the page has said anything. */
function failureOf(browser: ChildProcess): Promise<never> {
  let said = '';
  browser.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-STDERR_CHARS);
  });
  return new Promise((_resolve, reject) => {
    browser.once('error', reject);
    browser.once('exit', (code, signal) => reject(new Error(`Chromium ended with ${signal ?? code}: ${said}`)));
  });
}

async function end(browser: ChildProcess): Promise<void> {
  if (browser.exitCode !== null || browser.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => void browser.once('exit', () => resolve()));
  browser.kill('SIGKILL');
  await ended;
}

/** Removes a profile. Processes of the browser's may write to it for a moment after it ended; a folder that is not empty in the end is left to the system. */
async function discard(profile: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVALS_MAX; attempt++) {
    try {
      rmSync(profile, { recursive: true, force: true });
      return;
    } catch {
      await after(REMOVAL_DELAY_MS);
    }
  }
}
