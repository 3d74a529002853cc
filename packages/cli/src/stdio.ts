import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StackError } from '@ashlar/stack';
import type { GuestProcess, ProgramOutput } from '@ashlar/userspace';
import { type Output, stderr, stdout } from './output.ts';

export interface StdioFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  /** Nothing is held back, and this process never waits for a reader without giving way. */
  readonly prompt: boolean;
}

/** How large this process's terminal is. */
export function terminalSize(): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = stdout.open();
  return { columns: columns ?? 80, rows: rows ?? 24 };
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
export function connectStdio(guest: GuestProcess, { interactive, tty, prompt }: StdioFlags): ConnectedStdio {
  if (prompt || interactive || tty) for (const output of [stdout, stderr]) output.open();
  const raw = tty && interactive && process.stdin.isTTY;
  if (raw) process.stdin.setRawMode(true);
  const resize = (): void => {
    const { columns, rows } = terminalSize();
    void guest.resize(columns, rows).catch(() => undefined);
  };
  if (tty) stdout.open().on('resize', resize);
  if (interactive) sendInput(guest);
  else guest.endInput();
  return {
    drained: Promise.all([copy(guest.outputOf(1), stdout, 'stdout'), copy(guest.outputOf(2), stderr, 'stderr')]),
    close: () => {
      if (raw) process.stdin.setRawMode(false);
      if (tty) stdout.open().off('resize', resize);
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
async function copy(from: ProgramOutput, to: Output, name: string): Promise<void> {
  for (;;) {
    const piece = await from.next();
    const error = await (piece === undefined ? to.flush() : to.write(piece));
    if (piece !== undefined) from.reuse(piece);
    if (error !== undefined) {
      from.close();
      if (error.code === 'EPIPE') return;
      throw new StackError(`${name} cannot be written: ${error.message}`, 'the program’s output was not kept');
    }
    if (piece === undefined) return;
  }
}
