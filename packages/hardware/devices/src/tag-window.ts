import { Errno, type PartReader, type PartWriter, type Plain, type Result, TAG_WINDOW } from '@ashlar/hardware';

/** Highest tag of the contract, exclusive. */
const TAG_END = 2 ** 31;

interface Answer {
  /** What was asked: a tag may be used again for something else once its answer was collected. */
  readonly request: string;
  readonly result: Result;
  /** What else the answer filled in. */
  readonly filled: Plain;
}

/**
 * The answers of one opener's last tagged requests, so that asking again collects the answer and does not execute again.
 * Holds {@link TAG_WINDOW} answers; the oldest go first.
 */
export class TagWindow {
  readonly #answers = new Map<number, Answer>();

  /** -EINVAL if it is not a tag. */
  check(tag: number): Result {
    return Number.isInteger(tag) && tag >= 0 && tag < TAG_END ? 0 : -Errno.EINVAL;
  }

  /** The answer of a request that was executed before. */
  find(tag: number, request: string): Answer | undefined {
    if (tag === 0) return undefined;
    const answer = this.#answers.get(tag);
    return answer?.request === request ? answer : undefined;
  }

  keep(tag: number, request: string, result: Result, filled: Plain): void {
    if (tag === 0) return;
    this.#answers.delete(tag);
    this.#answers.set(tag, { request, result, filled });
    if (this.#answers.size <= TAG_WINDOW) return;
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#answers.clear();
  }

  save(out: PartWriter): void {
    out.put(
      'tags',
      [...this.#answers].map(([tag, { request, result, filled }]) => [tag, request, result, filled]),
    );
  }

  /** -EINVAL if it is not what {@link save} wrote. */
  restore(part: PartReader): Result {
    this.#answers.clear();
    const saved = part.get('tags');
    if (!Array.isArray(saved)) return -Errno.EINVAL;
    for (const item of saved as readonly Plain[]) {
      if (!Array.isArray(item)) return -Errno.EINVAL;
      const [tag, request, result, filled] = item as readonly Plain[];
      if (typeof tag !== 'number' || typeof request !== 'string' || typeof result !== 'number') return -Errno.EINVAL;
      this.keep(tag, request, result, filled ?? null);
    }
    return 0;
  }
}
