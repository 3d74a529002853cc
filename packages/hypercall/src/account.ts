import { Errno, type MemoryAccount, type Result } from '@ashlar/hardware';

/**
 * A memory account in this thread. The hardware makes one root; every partition's is a reservation in its parent's.
 *
 * Invariant: 0 ≤ used ≤ limit (but for a forced {@link resize}), and used includes the limits of all open sub-accounts.
 */
export class Account implements MemoryAccount {
  #limit: number;
  #used = 0;
  #closed = false;
  readonly #parent: Account | undefined;
  readonly #children = new Set<Account>();

  /** `limitPages`: an integer ≥ 0. `parent` is for {@link Account.sub}. */
  constructor(limitPages: number, parent?: Account) {
    if (!Number.isSafeInteger(limitPages) || limitPages < 0) throw new RangeError(`limitPages ${limitPages}: not an integer ≥ 0`);
    this.#limit = limitPages;
    this.#parent = parent;
  }

  get limitPages(): number {
    return this.#limit;
  }

  get usedPages(): number {
    return this.#used;
  }

  /** Pages that sub-accounts hold, used by them or not. */
  get reservedPages(): number {
    let sum = 0;
    for (const child of this.#children) sum += child.#limit;
    return sum;
  }

  /** 0; -ENOMEM; -EINVAL (not an integer, or more given back than was charged); -ENODEV after {@link close}. */
  charge(pages: number): Result {
    if (this.#closed) return -Errno.ENODEV;
    const next = this.#used + pages;
    if (!Number.isSafeInteger(next) || next < 0) return -Errno.EINVAL;
    if (pages > 0 && next > this.#limit) return -Errno.ENOMEM;
    this.#used = next;
    return 0;
  }

  sub(limitPages: number): Account | Result {
    if (!Number.isSafeInteger(limitPages) || limitPages < 0) return -Errno.EINVAL;
    const charged = this.charge(limitPages);
    if (charged < 0) return charged;
    const child = new Account(limitPages, this);
    this.#children.add(child);
    return child;
  }

  /**
   * Grows or shrinks the reservation. -ENOMEM: less than is used now, or more than the parent has left. A far end that was already told the new
   * limit has no choice: `even below what is used`, nothing can be charged then until enough was given back.
   */
  resize(limitPages: number, force?: 'even below what is used'): Result {
    if (this.#closed) return -Errno.ENODEV;
    if (!Number.isSafeInteger(limitPages) || limitPages < 0) return -Errno.EINVAL;
    if (limitPages < this.#used && force === undefined) return -Errno.ENOMEM;
    const charged = this.#parent?.charge(limitPages - this.#limit) ?? 0;
    if (charged < 0) return charged;
    this.#limit = limitPages;
    return 0;
  }

  /** Also closes every sub-account. Closing twice is harmless: revoking and destroying may race to it. */
  close(): void {
    if (this.#closed) return;
    for (const child of [...this.#children]) child.close();
    this.#closed = true;
    this.#used = 0;
    if (this.#parent !== undefined) {
      this.#parent.#children.delete(this);
      this.#parent.charge(-this.#limit);
    }
  }
}
