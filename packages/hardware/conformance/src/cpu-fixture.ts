import type { AddressSpace, Context, Cpu, Exit, GuestAddress, MemoryAccount, Result, Trap, TrapHandler } from '@ashlar/hardware';
import { Errno, TrapAnswer } from '@ashlar/hardware';

/**
 * Programs that a CPU suite runs. Each has a 32-bit counter in memory at {@link CpuFixture.counterAt}.
 * - `count`: for ever: adds 1 to a register, stores that in the counter, then makes a system call.
 * - `spin`: for ever: adds 1 to the counter; no call.
 * - `illegal`: an instruction that does not exist.
 * - `store`: writes 7 to {@link CpuFixture.storeAt}, then makes a system call.
 */
export type CpuProgram = 'count' | 'spin' | 'illegal' | 'store';

/** A program loaded and not yet run. */
export interface LoadedGuest {
  readonly context: Context;
  readonly space: AddressSpace;
}

/** What the CPU suite is run on. Supports: the CPU's traits that are true, `paged`, `mendable`, `illegal`, `code in memory`. */
export interface CpuFixture {
  readonly cpu: Cpu;
  readonly account: MemoryAccount;
  readonly counterAt: GuestAddress;
  readonly storeAt: GuestAddress;
  load(program: CpuProgram): LoadedGuest;
  /** Finishes the system call that the context is at. */
  complete(context: Context): void;
  /** Where code is in memory (`code in memory`): rewrites the loaded `count` so that it counts by two. */
  patch?(space: AddressSpace): void;
  /** A fresh context and space of the same program, not run: what state is restored into. */
  blank(program: CpuProgram): LoadedGuest;
}

/** An account for tests, of so many pages. */
export class TestAccount implements MemoryAccount {
  usedPages = 0;
  constructor(readonly limitPages: number) {}
  charge(pages: number): Result {
    if (this.usedPages + pages > this.limitPages) return -Errno.ENOMEM;
    this.usedPages += pages;
    return 0;
  }
  sub(): Result {
    return -Errno.ENOSYS;
  }
  close(): void {}
}

/** The counter of a program, or the errno of reading it. */
export const counterOf = (fixture: CpuFixture, space: AddressSpace): number => Number(space.load32(fixture.counterAt));

export function runNow(fixture: CpuFixture, guest: LoadedGuest, onTrap: TrapHandler, budget: number): Exit {
  const exit = fixture.cpu.run(guest.context, guest.space, onTrap, budget);
  if (typeof exit !== 'string') throw new Error('run answered a promise although its traits say sync');
  return exit;
}

export const leave: TrapHandler = () => TrapAnswer.LEAVE;

/** Runs until the next trap and tells it. */
export function nextTrap(fixture: CpuFixture, guest: LoadedGuest): Trap {
  let seen: Trap | undefined;
  const exit = runNow(
    fixture,
    guest,
    (_context, trap) => {
      seen = { cause: trap.cause, address: trap.address, access: trap.access, reason: trap.reason };
      return TrapAnswer.LEAVE;
    },
    1_000_000,
  );
  if (seen === undefined) throw new Error(`no trap; the run ended with '${exit}'`);
  return seen;
}
