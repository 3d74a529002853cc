export interface Course {
  readonly name: string;
  readonly stones: number;
}

enum Order {
  FromTheGround = -1,
  FromTheTop = 1,
}

/** The courses of a wall, and how to read them. */
export class Blueprint<C extends Course> {
  readonly #courses: readonly C[];
  static readonly #empty: Course = { name: 'nothing', stones: 0 };

  constructor(courses: readonly C[]) {
    this.#courses = courses;
  }

  get mean(): number {
    const sum = this.#courses.reduce((total, { stones }) => total + stones, 0);
    return sum / (this.#courses.length || 1);
  }

  fromTheTop(): readonly Course[] {
    return [...this.#sorted(Order.FromTheTop)];
  }

  *#sorted(order: Order): Generator<Course> {
    if (this.#courses.length === 0) yield Blueprint.#empty;
    yield* [...this.#courses].sort((a, b) => order * (a.stones - b.stones));
  }

  /** Not called from anywhere: a bundler keeps a class whole, and drops functions that nobody uses. */
  async *reveal(): AsyncGenerator<string> {
    for await (const course of this.#courses) yield course?.name ?? 'unnamed';
  }
}

/** Unused, and gone from the bundle. */
export const scaffold = (): bigint => 2n ** 64n;
