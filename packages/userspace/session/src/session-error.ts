import { Errno, type ErrnoName } from '@ashlar/hardware';
import type { SessionError } from '@ashlar/userspace';

const NAMES = new Map<number, string>((Object.keys(Errno) as ErrnoName[]).map((name) => [Errno[name], name]));

/** An error of a session: `code` is the errno's name, as Node's errors have it. */
export class SessionFailure extends Error implements SessionError {
  override readonly name = 'SessionError';
  readonly code: string;

  /** @param what what was asked for, e.g. `run /bin/sh`. @param errno positive or negated */
  constructor(what: string, errno: number) {
    const code = NAMES.get(Math.abs(errno)) ?? `E${Math.abs(errno)}`;
    super(`${what}: ${code}`);
    this.code = code;
  }
}
