import { createHash } from 'node:crypto';

/** What a program did. */
export interface Outcome {
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  /** Guest instructions, where they are counted. */
  readonly instructions: number | undefined;
}

/** What may differ. */
export interface Equality {
  /** Whether the tool `native`, too, must write the same to stderr. */
  readonly sameStderrNatively: boolean;
  /** Not for programs with threads or timers, which decide by time what to do next. */
  readonly sameInstructions: boolean;
}

/**
 * What the runs of one program, by tool, must have in common, one line a property that they do not have. Nothing when all is equal.
 */
export function differences(runs: ReadonlyMap<string, Outcome>, { sameStderrNatively, sameInstructions }: Equality): readonly string[] {
  const all = [...runs];
  const guests = all.filter(([tool]) => tool !== 'native');
  return [
    different('status', all, ({ status }) => status),
    different('stdout', all, ({ stdout }) => summary(stdout)),
    different('stderr', sameStderrNatively ? all : guests, ({ stderr }) => summary(Buffer.from(stderr))),
    ...(sameInstructions ? [different('instructions', all, ({ instructions }) => instructions)] : []),
  ].filter((line) => line !== undefined);
}

function different(
  property: string,
  runs: readonly (readonly [string, Outcome])[],
  of: (run: Outcome) => string | number | undefined,
): string | undefined {
  const values = runs.map(([tool, run]) => [tool, of(run)] as const).filter(([, value]) => value !== undefined);
  if (new Set(values.map(([, value]) => value)).size <= 1) return undefined;
  return `${property}: ${values.map(([tool, value]) => `${tool} ${value}`).join(', ')}`;
}

/** Short outputs as they are, long ones by size and digest. */
function summary(output: Uint8Array): string {
  if (output.length <= 200) return JSON.stringify(Buffer.from(output).toString());
  return `${output.length} bytes, SHA-256 ${createHash('sha256').update(output).digest('hex').slice(0, 16)}`;
}
