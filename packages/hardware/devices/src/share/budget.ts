import { Errno, type Result } from '@ashlar/hardware';

/** The bytes that a writable layer may hold. Charged before anything grows. */
export class Budget {
  #used = 0;

  constructor(readonly limit: number) {}

  get used(): number {
    return this.#used;
  }

  /** 0, or -ENOSPC and nothing is charged. */
  charge(bytes: number): Result {
    if (this.#used + bytes > this.limit) return -Errno.ENOSPC;
    this.#used += bytes;
    return 0;
  }

  refund(bytes: number): void {
    this.#used -= bytes;
  }

  clear(): void {
    this.#used = 0;
  }
}
