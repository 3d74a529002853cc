import { Errno, type ErrnoName } from '@ashlar/hardware';
import type { DomainRefused } from '@ashlar/hypervisor';

const NAMES = new Map<number, ErrnoName>(Object.entries(Errno).map(([name, value]) => [value, name as ErrnoName]));

/** The POSIX name of a negated or plain errno, or the number. */
export function errnoName(errno: number): string {
  return NAMES.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`;
}

/** A request about a domain failed; `errno` is positive, the message names domain, field and value. */
export class DomainError extends Error implements DomainRefused {
  override readonly name = 'DomainError';
  readonly errno: number;

  /** `errno`: its sign does not matter. */
  constructor(errno: number, message: string) {
    // An error that comes from a level above was named there already.
    super(/\([A-Z0-9]+\)$/.test(message) ? message : `${message} (${errnoName(errno)})`);
    this.errno = Math.abs(errno);
  }
}
