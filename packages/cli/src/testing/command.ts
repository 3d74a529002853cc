import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built command, as a user starts it. */
export const ASHLAR = fileURLToPath(new URL('../../bin/ashlar.js', import.meta.url));
export const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A command that runs, and what it said so far. */
export class RunningCommand {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  private readonly stdout: Buffer[] = [];
  private readonly stderr: Buffer[] = [];

  /** `env`: beside this process's own. */
  constructor(args: readonly string[], cwd = REPOSITORY, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [ASHLAR, ...args], { cwd, stdio: 'pipe', env: { ...process.env, ...env } });
    this.child.stdout.on('data', (chunk: Buffer) => this.stdout.push(chunk));
    this.child.stderr.on('data', (chunk: Buffer) => this.stderr.push(chunk));
    // A command that ends before it read all of its input is no failure of the test.
    this.child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.child.once('close', (status) =>
        resolve({ status, stdout: Buffer.concat(this.stdout), stderr: Buffer.concat(this.stderr).toString() }),
      );
    });
  }

  /** Settles when the output so far contains `text`; rejects when it ended without. */
  said(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (Buffer.concat(this.stdout).includes(text)) resolve();
      };
      this.child.stdout.on('data', look);
      void this.ended.then(({ status, stderr }) => reject(new Error(`ended with ${status} and without "${text}": ${stderr}`)));
      look();
    });
  }
}

/** Runs the command to its end. */
export function ashlar(
  args: readonly string[],
  input: string | Uint8Array = '',
  cwd = REPOSITORY,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const running = new RunningCommand(args, cwd, env);
  running.child.stdin.end(input);
  return running.ended;
}
