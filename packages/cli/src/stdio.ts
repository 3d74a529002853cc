import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StackError } from '@ashlar/stack';
import type { GuestProcess, ProgramOutput } from '@ashlar/userspace';
import { written } from './output.ts';

export interface StdioFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
}

export interface ConnectedStdio {
  /** Settles when all that the program said is written; rejects if it cannot be. */
  readonly drained: Promise<unknown>;
  readonly close: () => void;
}

/**
 * Connects this process's stdio with the program's, binary-safe and with back-pressure kept. Without `interactive` the program reads an empty
 * stdin, as Docker has it.
 */
export function connectStdio(guest: GuestProcess, { interactive, tty }: StdioFlags): ConnectedStdio {
  const raw = tty && interactive && process.stdin.isTTY;
  if (raw) process.stdin.setRawMode(true);
  const resize = (): void => void guest.resize(process.stdout.columns ?? 80, process.stdout.rows ?? 24).catch(() => undefined);
  if (tty) process.stdout.on('resize', resize);
  if (interactive) sendInput(guest);
  else guest.endInput();
  return {
    drained: Promise.all([copy(guest.outputOf(1), process.stdout, 'stdout'), copy(guest.outputOf(2), process.stderr, 'stderr')]),
    close: () => {
      if (raw) process.stdin.setRawMode(false);
      process.stdout.off('resize', resize);
      if (interactive) process.stdin.destroy();
    },
  };
}

/** A program may end, or close its stdin, before it read everything: that is no error of ours. */
function sendInput(guest: GuestProcess): void {
  pipeline(process.stdin, Writable.fromWeb(guest.stdin as Parameters<typeof Writable.fromWeb>[0])).catch(() => undefined);
}

/**
 * Writes each chunk before the next is asked for. A reader of ours that goes away (`| head`) closes the program's output as well, so that the
 * program ends by SIGPIPE as it would without us.
 */
async function copy(from: ProgramOutput, to: NodeJS.WriteStream, name: string): Promise<void> {
  for (;;) {
    const piece = await from.next();
    if (piece === undefined) return;
    const error = await written(to, piece);
    from.reuse(piece);
    if (error === undefined) continue;
    from.close();
    if (error.code === 'EPIPE') return;
    throw new StackError(`${name} cannot be written: ${error.message}`, 'the program’s output was not kept');
  }
}
