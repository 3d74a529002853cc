/**
 * What a guest is: a small program with one subject, how it is to be started, and what it printed where it was recorded.
 */

/** Feature groups of System that a guest uses; the names are those of the kernel-stub interface. */
export type FeatureGroup =
  | 'process'
  | 'signal'
  | 'file'
  | 'descriptor'
  | 'poll'
  | 'memory'
  | 'thread'
  | 'time'
  | 'terminal'
  | 'socket'
  | 'system';

/** How a case is started, and what it needs. Plain data: the catalogue holds one of these per case. */
export interface GuestCase {
  /** Unique; the recorded result is `expected/<name>.json`. */
  readonly name: string;
  /** File name under `bin/`. wasm programs end in `.wasm`. */
  readonly program: string;
  /** What it shows, in one line. */
  readonly about: string;
  /** Arguments after argv[0]. Default none. */
  readonly arguments?: readonly string[];
  /** The whole environment. Default empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** Fed through a pipe, then closed. Default: standard input is at its end from the start (/dev/null). */
  readonly stdin?: string;
  /** Files in the working directory before the start: name → content, mode 0644. */
  readonly files?: Readonly<Record<string, string>>;
  /** Groups without which the result cannot be the recorded one. */
  readonly needs: readonly FeatureGroup[];
  /** Where the authority cannot run the case itself: an equivalent that it can run, and why it is one. */
  readonly recordAs?: { readonly arguments: readonly string[]; readonly reason: string };
  /** Where no authority can tell: the result, and what it follows from. */
  readonly byHand?: { readonly stdout: string; readonly status: number; readonly reason: string };
}

/** What was recorded: bytes and exit status, with how they came to be. */
export interface Expected {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Exit status as a shell reports it: 128 + N for signal N. */
  readonly status: number;
  /** Where it ran ("Linux 6.12… riscv64", "node:wasi of Node 20…", "by hand: reason"). */
  readonly recordedOn: string;
  /** The command that records it anew. */
  readonly recordedWith: string;
}

/** A case with its program and its recorded result. */
export interface Guest extends GuestCase {
  readonly isa: 'riscv64-user' | 'wasm32';
  /** Absolute path of the program on this host. */
  readonly path: string;
  /** Complete arguments; argv[0] is the program's path inside the guest's root, by which it can execute itself. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Reads the program. */
  bytes(): Uint8Array;
  /** Reads the recorded result. Throws where none has been recorded. */
  expected(): Expected;
}

/** Programs lie in this folder of the guest's root: put `bin/` there, read-only will do. */
export const GUEST_FOLDER = '/guests';
/** The working directory: exists, empty but for the case's `files`, writable, mode 1777. */
export const GUEST_DIRECTORY = '/tmp';
