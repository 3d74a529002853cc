import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_FOLDER, build } from './build.ts';

/** A command to be measured. */
export interface Command {
  readonly argv: readonly string[];
  /** Added to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** A host file; nothing by default. */
  readonly stdin?: string;
  readonly cwd?: string;
}

/** What a command did and took. */
export interface Measured {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** User and system milliseconds of all its threads, and of the children it waited for. */
  readonly cpuMs: number;
  readonly wallMs: number;
  /** The most memory that was resident at once in one of its processes. */
  readonly residentBytesMax: number;
}

/**
 * This process's environment for one that is measured. Node.js reads the certificates that NODE_EXTRA_CA_CERTS names whenever it starts, which takes
 * longer than the rest of its start.
 */
export function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...others } = process.env;
  return others;
}

const OUTPUT_BYTES_MAX = 256 << 20;
const WALL_MS_MAX = 600_000;

/**
 * Runs a command to its end and measures it by wait4(2).
 *
 * @throws Error when it cannot be started, writes more than 256 MiB or takes longer than ten minutes.
 */
export function measure({ argv, env = {}, stdin = '/dev/null', cwd = process.cwd() }: Command): Measured {
  const input = openSync(stdin, 'r');
  try {
    const measured = spawnSync(build(join(BENCH_FOLDER, 'tools', 'measure.c'), 'native'), [...argv], {
      cwd,
      env: { ...environment(), ...env },
      stdio: [input, 'pipe', 'pipe', 'pipe'],
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: WALL_MS_MAX,
    });
    const figures = String(measured.output?.[3] ?? '').split(' ');
    if (measured.status !== 0 || figures.length !== 5) {
      throw new Error(`${argv.join(' ')} could not be measured: ${measured.error?.message ?? String(measured.stderr)}`);
    }
    const [user = 0, system = 0, wall = 0, residentKiB = 0, status = 0] = figures.map(Number);
    return {
      status,
      stdout: measured.stdout,
      stderr: String(measured.stderr),
      cpuMs: (user + system) / 1000,
      wallMs: wall / 1000,
      residentBytesMax: residentKiB * 1024,
    };
  } finally {
    closeSync(input);
  }
}
