import type { Channel, Plain } from '@ashlar/hardware';
import type { SpawnSpec } from '@ashlar/kernel-stub';

/** The version of the Session interface; a plugin names the one it was written for. */
export const SESSION_INTERFACE = '1';

/**
 * How a process ended: with a code of 0 … 255, or by a signal. `refused`: it asked for this operation of System, which the kernel stub lacks and programs
 * assume to be there, and was ended by SIGSYS for it.
 */
export type ProcessExit = { readonly code: number } | { readonly signal: number; readonly refused?: string };

/** What a program writes to one of its outputs, piece by piece. */
export interface ProgramOutput {
  /** The next bytes, which are the caller's; undefined at the end. One at a time. Rejects with ECONNRESET when the session ends. */
  next(): Promise<Uint8Array | undefined>;
  /** Gives back a piece that the caller is done with, for later ones to come in its memory. Nobody has to. */
  reuse(piece: Uint8Array): void;
  /** Nobody reads any more: the program is told as a pipe without reader tells it. */
  close(): void;
}

/**
 * A running program, from outside. Everything is binary-safe and keeps back-pressure. An output is read as a web stream or, where that costs more than it is
 * worth, piece by piece; not both.
 */
export interface GuestProcess {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  /** With a tty: the terminal's output, and `stderr` ends at once. */
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  outputOf(fd: 1 | 2): ProgramOutput;
  /** Ends stdin, as closing the stream does, when nothing was written to it. */
  endInput(): void;
  readonly exit: Promise<ProcessExit>;
  /** Rejects with ESRCH after the end. */
  signal(signal: number): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
}

export interface FileStatus {
  readonly mode: number;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** Errors of a session carry the errno's name in `code`, as Node's do. */
export interface SessionError extends Error {
  readonly code: string;
}

/**
 * Programs and files of one domain, from outside: the far end of `Domain.connect('session')`. Everything crosses as frames, so it is the same
 * whatever hypervisors lie between. Paths are absolute guest paths.
 */
export interface Session {
  run(spec: SpawnSpec): Promise<GuestProcess>;
  read(path: string): ReadableStream<Uint8Array>;
  write(path: string, mode: number): WritableStream<Uint8Array>;
  list(path: string): Promise<readonly { readonly name: string; readonly type: number }[]>;
  stat(path: string): Promise<FileStatus>;
  mkdir(path: string, mode: number): Promise<void>;
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

export type { Channel, Plain, SpawnSpec };
