import type { AddressSpace, Clock, Context, Cpu, Exit, Instant, Machine, TrapHandler } from '@ashlar/hardware';
import { callStack } from './call-stack.ts';
import { type CallNode, CallTree } from './call-tree.ts';
import type { CpuProfile } from './cpu-profile.ts';
import { CodeFiles, Program } from './program.ts';

export interface ProfilerOptions {
  /** Instructions from one sample to the next on average: an integer ≥ 2. Each time it is between half and one and a half of it. */
  readonly interval: number;
}

/** Programs told apart by number; later ones count for their file as a whole. */
const PROGRAMS_MAX = 256;

/**
 * Samples what the CPUs of a machine execute. On virtual time an instruction counts for a nanosecond; otherwise a sample counts for the time since
 * the one before, and time in which no guest ran is shown apart.
 */
export class Profiler {
  readonly #tree = new CallTree();
  readonly #files = new CodeFiles();
  readonly #programs = new WeakMap<AddressSpace, { program: Program; node: CallNode }>();
  readonly #outside: CallNode;
  readonly #now: Instant = { sec: 0, nsec: 0 };
  readonly #cpus = new WeakMap<Cpu, Cpu>();
  #interval: number;
  #seed = 0x2545_f491;
  #untilSample: number;
  #programsSeen = 0;
  #clock: Clock | undefined;
  #leftAt: number | undefined;
  #since = 0;
  #insideNs = 0;
  #outsideNs = 0;

  constructor({ interval }: ProfilerOptions) {
    if (!Number.isInteger(interval) || interval < 2)
      throw new RangeError(`interval is ${interval}; give an integer number of instructions ≥ 2`);
    this.#interval = interval;
    this.#untilSample = this.#nextInterval();
    this.#outside = this.#tree.child(this.#tree.root, '(outside the guest)', '');
  }

  /** The machine with CPUs that are sampled. Everything else is the lower machine's own. */
  machine(lower: Machine): Machine {
    this.#clock = lower.shape.virtualTime ? undefined : lower.clock;
    return {
      get shape() {
        return lower.shape;
      },
      get epoch() {
        return lower.epoch;
      },
      get memory() {
        return lower.memory;
      },
      get clock() {
        return lower.clock;
      },
      get events() {
        return lower.events;
      },
      get crossings() {
        return lower.crossings;
      },
      cpu: (isa) => {
        const found = lower.cpu(isa);
        return found?.traits.sync === true ? this.cpu(found) : found;
      },
      device: (name) => lower.device(name),
      entropy: (to) => lower.entropy(to),
      partition: (want, limits) => lower.partition(want, limits),
    };
  }

  /** The CPU, sampled: one that answers at once (`traits.sync`). */
  cpu(lower: Cpu): Cpu {
    const known = this.#cpus.get(lower);
    if (known !== undefined) return known;
    const made: Cpu = {
      isa: lower.isa,
      traits: lower.traits,
      space: (account) => lower.space(account),
      context: (space, code) => lower.context(space, code),
      clone: (from, space) => lower.clone(from, space),
      run: (context, space, onTrap, budget) => this.#run(lower, context, space, onTrap, budget),
      stall: (context) => lower.stall(context),
      interrupt: (context) => lower.interrupt(context),
      counters: () => lower.counters?.() ?? {},
      pending: () => lower.pending?.(),
    };
    this.#cpus.set(lower, made);
    return made;
  }

  /** What was sampled so far. */
  profile(): CpuProfile {
    return this.#tree.toProfile();
  }

  /** As one run: the parts end where a sample is due, and what ends a part otherwise ends the run. */
  #run(lower: Cpu, context: Context, space: AddressSpace, onTrap: TrapHandler, budget: number): Exit {
    const now = this.#read();
    if (this.#leftAt !== undefined) this.#outsideNs += now - this.#leftAt;
    this.#since = now;
    let rest = budget;
    for (;;) {
      const part = Math.min(rest, this.#untilSample);
      const before = context.retired;
      const exit = lower.run(context, space, onTrap, part) as Exit;
      // A trap that is resumed uses budget without retiring: what was used is the part, whatever was retired.
      const used = exit === 'budget' ? part : Math.min(part, context.retired - before);
      rest -= used;
      this.#untilSample -= used;
      if (this.#clock === undefined) this.#insideNs += used;
      if (this.#untilSample <= 0) this.#sample(context, space);
      if (exit === 'budget' && rest > 0) continue;
      this.#leftAt = this.#passed();
      return exit;
    }
  }

  #sample(context: Context, space: AddressSpace): void {
    this.#untilSample = this.#nextInterval();
    const { program, node } = this.#programOf(space);
    this.#passed();
    let at = node;
    for (const { name, url } of callStack(context, program).reverse()) at = this.#tree.child(at, name, url);
    if (this.#outsideNs > 0) this.#tree.add(this.#outside, this.#outsideNs);
    this.#outsideNs = 0;
    if (this.#tree.add(at, this.#insideNs)) this.#interval *= 2;
    this.#insideNs = 0;
    // What sampling took is nobody's.
    this.#since = this.#read();
  }

  #programOf(space: AddressSpace): { program: Program; node: CallNode } {
    const known = this.#programs.get(space);
    if (known !== undefined) return known;
    const program = new Program(space, this.#files);
    const { name } = program;
    const number = ++this.#programsSeen;
    const node = this.#tree.child(this.#tree.root, number > PROGRAMS_MAX ? name : `${name} [${number}]`, name);
    const made = { program, node };
    this.#programs.set(space, made);
    return made;
  }

  /** Counts the time since the last look for the guest; gives the time now, in nanoseconds. */
  #passed(): number {
    const now = this.#read();
    this.#insideNs += now - this.#since;
    this.#since = now;
    return now;
  }

  #read(): number {
    if (this.#clock === undefined) return 0;
    this.#clock.read('monotonic', this.#now);
    return this.#now.sec * 1e9 + this.#now.nsec;
  }

  /** Not always the same, so that no loop keeps step with the samples; the same series in each run. */
  #nextInterval(): number {
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    const half = this.#interval >>> 1;
    return half + ((this.#seed >>> 0) % (this.#interval + 1));
  }
}
