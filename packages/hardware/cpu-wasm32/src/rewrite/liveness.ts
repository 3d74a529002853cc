/** Words of all blocks together beyond which every local is taken for live: the analysis stays linear in the size of functions. */
const WORDS_MAX = 1 << 20;
/** Rounds of the fixed point; structured code needs about as many as loops are nested. */
const ROUNDS_MAX = 24;

/**
 * Which locals are read after some point, and so must be kept in frames: the usual backward data flow over basic blocks, told of by the walk of the
 * planner. A block holds one set of locals that it reads before it writes them, and one of those it writes.
 */
export class Liveness {
  /** Block that is being told of; -1 where code cannot be reached. */
  current = 0;
  private words = 1;
  private blocks = 0;
  private uses = new Int32Array(1024);
  private definitions = new Int32Array(1024);
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly points: number[] = [];
  private exact = true;

  begin(locals: number): void {
    this.words = Math.max(1, (locals + 31) >>> 5);
    this.blocks = 0;
    this.from.length = 0;
    this.to.length = 0;
    this.points.length = 0;
    this.exact = true;
    this.current = this.block();
  }

  /** A new block, without edges. */
  block(): number {
    const index = this.blocks++;
    const end = this.blocks * this.words;
    if (end > WORDS_MAX) {
      this.exact = false;
      this.blocks = 1;
      return 0;
    }
    if (end > this.uses.length) {
      this.uses = grown(this.uses, end);
      this.definitions = grown(this.definitions, end);
    }
    this.uses.fill(0, end - this.words, end);
    this.definitions.fill(0, end - this.words, end);
    return index;
  }

  read(local: number): void {
    const at = this.current * this.words + (local >>> 5);
    const bit = 1 << (local & 31);
    if (!(this.definitions[at]! & bit)) this.uses[at]! |= bit;
  }

  write(local: number): void {
    this.definitions[this.current * this.words + (local >>> 5)]! |= 1 << (local & 31);
  }

  /** Control may go from the current block to `block`. */
  edge(block: number): void {
    this.from.push(this.current);
    this.to.push(block);
  }

  /** Goes on in another block, which follows the current one. */
  follow(block: number = this.block()): void {
    this.edge(block);
    this.current = block;
  }

  /** Execution may be left here. */
  point(): void {
    this.follow();
    this.points.push(this.current);
  }

  /** Marks the current block, which has just begun, as a point. */
  pointHere(): void {
    this.points.push(this.current);
  }

  /** Whether each of `locals` is live at some point. */
  live(locals: number): Uint8Array {
    const result = new Uint8Array(locals);
    if (!this.exact || !this.solve()) return result.fill(1);
    const { words, uses } = this;
    for (let word = 0; word < words; word++) {
      let union = 0;
      for (const point of this.points) union |= uses[point * words + word]!;
      for (let bit = 0; bit < 32 && word * 32 + bit < locals; bit++) result[word * 32 + bit] = (union >>> bit) & 1;
    }
    return result;
  }

  /** Grows `uses` to what is live at the start of each block. False if that took too long. */
  private solve(): boolean {
    const { words, uses, definitions, from, to } = this;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let changed = false;
      for (let edge = from.length - 1; edge >= 0; edge--) {
        const [a, b] = [from[edge]! * words, to[edge]! * words];
        for (let word = 0; word < words; word++) {
          const more = uses[b + word]! & ~definitions[a + word]! & ~uses[a + word]!;
          if (more === 0) continue;
          uses[a + word]! |= more;
          changed = true;
        }
      }
      if (!changed) return true;
    }
    return false;
  }
}

function grown(from: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(least, from.length * 2));
  larger.set(from);
  return larger;
}
