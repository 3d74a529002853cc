/** Settles when the chunk is written, with the error if it cannot be. */
export const written = (to: NodeJS.WriteStream, chunk: Uint8Array): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => to.write(chunk, (error) => resolve(error ?? undefined)));

/**
 * Keeps a broken stdout or stderr from being an uncaught exception; whoever writes learns of it from its own write. Returns what is to be awaited
 * before the process may end: everything written by then.
 */
export function guardOutput(): () => Promise<void> {
  const outputs = [process.stdout, process.stderr] as const;
  for (const output of outputs) output.on('error', () => undefined);
  return async () => {
    await Promise.all(outputs.map((output) => (output.destroyed ? undefined : written(output, new Uint8Array(0)))));
  };
}
