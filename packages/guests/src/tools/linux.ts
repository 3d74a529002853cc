/**
 * Runs many jobs in one boot of a real riscv64 Linux kernel, each in a fresh, empty /tmp, with stdout and stderr as pipes.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEBIAN_SCRIPTS } from '../folders.ts';
import { GUEST_DIRECTORY } from '../guest.ts';

/** One program run. */
export interface Job {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array | undefined;
  readonly files: Readonly<Record<string, string>>;
}

/** How it ended. */
export interface JobResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly status: number;
}

/** All jobs' results, with the kernel's name and release. */
export interface JobResults {
  readonly kernel: string;
  readonly results: ReadonlyMap<string, JobResult>;
}

// Descriptor 3 carries the program's stderr past the pipe of stdout, and each job's `run` puts it back. The shell's own
// words ("Segmentation fault") are not the program's, and go nowhere.
const RUN_JOBS = `
B=$BUSYBOX
for job in /share/jobs/*; do
  $B echo $job >/share/current
  cd /; $B umount ${GUEST_DIRECTORY}; $B mount -t tmpfs -o mode=1777 t ${GUEST_DIRECTORY}; cd ${GUEST_DIRECTORY}
  $B cp -R $job/files/. .
  {
    {
      if [ -e $job/stdin ]; then $B cat $job/stdin | $B sh $job/run; else $B sh $job/run </dev/null; fi
      echo $? >$job/status
    } 2>/dev/null | $B cat >$job/stdout
  } 3>&1 | $B cat >$job/stderr
done
`;

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function writeJob(folder: string, job: Job): void {
  mkdirSync(join(folder, 'files'), { recursive: true });
  for (const [name, content] of Object.entries(job.files)) writeFileSync(join(folder, 'files', name), content, { mode: 0o644 });
  const env = Object.entries(job.env).map(([name, value]) => quote(`${name}=${value}`));
  writeFileSync(join(folder, 'run'), `exec 2>&3 3>&-\nexec $BUSYBOX env -i ${[...env, ...job.argv.map(quote)].join(' ')}\n`);
  if (job.stdin !== undefined) writeFileSync(join(folder, 'stdin'), job.stdin);
}

/**
 * Runs the jobs with `root` as root file system, one after the other. Throws an Error with the console's end when the kernel
 * did not finish within the time.
 */
export function runOnLinux(root: string, jobs: readonly Job[], timeoutSeconds: number): JobResults {
  const share = mkdtempSync(join(tmpdir(), 'linux-'));
  try {
    for (const job of jobs) writeJob(join(share, 'jobs', job.name), job);
    const command = [join(DEBIAN_SCRIPTS, 'linux.sh'), '--share', share, '--timeout', String(timeoutSeconds), root];
    const run = spawnSync(command[0] ?? '', [...command.slice(1), `$BUSYBOX uname -srm; ${RUN_JOBS}`], { encoding: 'utf8' });
    if (run.status !== 0) {
      let current = 'no job';
      try {
        current = readFileSync(join(share, 'current'), 'utf8').trim();
      } catch {
        // Not even the first one was begun.
      }
      throw new Error(`Linux ended with status ${run.status} at ${current}: ${run.stderr}`);
    }
    const results = new Map<string, JobResult>();
    for (const job of jobs) {
      const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(share, 'jobs', job.name, file)));
      results.set(job.name, { stdout: read('stdout'), stderr: read('stderr'), status: Number(Buffer.from(read('status')).toString()) });
    }
    return { kernel: run.stdout.split('\n', 1)[0] ?? '', results };
  } finally {
    rmSync(share, { recursive: true, force: true });
  }
}
