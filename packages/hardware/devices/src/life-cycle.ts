import { Errno, type Plain, type Result } from '@ashlar/hardware';

/** Where one opener's device stands between `reset` and requests. */
export class LifeCycle {
  #accepted: ReadonlySet<string> | undefined;

  constructor(private readonly features: readonly string[]) {}

  get isReady(): boolean {
    return this.#accepted !== undefined;
  }

  offered(): readonly string[] {
    return this.features;
  }

  has(feature: string): boolean {
    return this.#accepted?.has(feature) === true;
  }

  /** -EINVAL if not a subset, or if features were accepted since the last reset. */
  accept(features: readonly string[]): Result {
    if (this.#accepted !== undefined || !features.every((feature) => this.features.includes(feature))) return -Errno.EINVAL;
    this.#accepted = new Set(features);
    return 0;
  }

  reset(): void {
    this.#accepted = undefined;
  }

  save(): Plain {
    return this.#accepted === undefined ? null : [...this.#accepted];
  }

  /** -EINVAL if it needs a feature that is not offered here. */
  restore(saved: Plain): Result {
    this.#accepted = undefined;
    if (saved === null) return 0;
    if (!Array.isArray(saved)) return -Errno.EINVAL;
    return this.accept((saved as readonly Plain[]).map(String));
  }
}
