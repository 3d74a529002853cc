import type { Plain, Reply, Result } from '@ashlar/hardware';
import type { Termios } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';
import type { Caller } from './host.ts';

/**
 * A terminal (termios(3)): line discipline, an inner side that programs open, and an outer side at the operator's keyboard and screen.
 */
export interface Terminal {
  /** Number in /dev/pts; unique among the stub's living terminals. */
  readonly index: number;
  /** Session whose controlling terminal it is; 0: none. Kept by the kernel. */
  session: number;
  /** Foreground process group; 0: none. */
  foreground: number;
  /** Window size; set through {@link resize}. */
  readonly columns: number;
  readonly rows: number;

  /** A description of the inner side. */
  open(flags: number): Description;
  getSettings(out: Termios): Result;
  /** `when` 0 now, 1 drained, 2 and flush input. */
  setSettings(caller: Caller, next: Termios, when: number): Reply;
  /** Sends SIGWINCH to the foreground group if the size changed. */
  resize(columns: number, rows: number): Result;

  // The outer side: what Stdio of the operator face is, with a tty.
  /** Bytes taken as typed (through the line discipline: echo, ^C …), or a wait. -EIO after hangup. */
  type(from: Uint8Array): Reply;
  /** Output for the screen; 0 after the last inner description closed and all is read; or a wait. */
  show(to: Uint8Array): Reply;
  /** The operator is gone: SIGHUP to the session's leader (by the host), reads see the end, writes -EIO. */
  hangup(): void;

  save(): Plain;
}
