import {
  type Channel,
  type Console,
  Errno,
  type EventKey,
  type Instant,
  type Machine,
  type PartReader,
  type PartWriter,
  type Payload,
  type Plain,
  type Reply,
  type Result,
  type Share,
  type Step,
  type Wait,
} from '@ashlar/hardware';

/**
 * One operation of a probe: the smallest payload that does what guests do. Each costs one instruction, `burn` as many as it says.
 *
 * burn N · write TEXT (to console `log`) · read (a line from it, waits) · fsync N (so many requests to share `root`) · entropy N · clock ·
 * sleep MS (of monotonic time) · charge PAGES · jump PC · throw MESSAGE · spin (for good, inside a step) · wait (for good) · end
 */
export type ProbeOp =
  | readonly ['burn', number]
  | readonly ['write', string]
  | readonly ['read']
  | readonly ['fsync', number]
  | readonly ['entropy', number]
  | readonly ['clock']
  | readonly ['sleep', number]
  | readonly ['charge', number]
  | readonly ['jump', number]
  | readonly ['throw', string]
  | readonly ['spin']
  | readonly ['wait']
  | readonly ['end'];

export interface ProbeReport {
  readonly log: readonly string[];
  readonly retired: number;
  readonly pc: number;
  readonly ended: boolean;
}

/** Entries that a probe keeps of what it saw. */
const LOG_MAX = 10_000;
const text = new TextEncoder();

/** A payload that runs a list of operations and keeps a log of what the machine answered. Its service `report` tells log and progress. */
export class Probe implements Payload {
  readonly schema = 'probe/1';
  readonly #machine: Machine;
  readonly #program: readonly ProbeOp[];
  readonly #wakeUp: EventKey;
  readonly #asking: Channel[] = [];
  #log: string[] = [];
  #pc = 0;
  #retired = 0;
  /** Of the operation under way: instructions or requests done. */
  #done = 0;
  #until: Instant | undefined;
  #epoch: number;
  #console: Console | undefined;
  #share: Share | undefined;

  constructor(machine: Machine, program: readonly ProbeOp[]) {
    this.#machine = machine;
    this.#program = program;
    this.#epoch = machine.epoch;
    this.#wakeUp = machine.events.allocate();
  }

  step(budget: number): Step {
    if (this.#epoch !== this.#machine.epoch) {
      this.#epoch = this.#machine.epoch;
      this.#console = undefined;
      this.#share = undefined;
    }
    this.#answer();
    let left = budget;
    while (left > 0) {
      const op = this.#program[this.#pc];
      if (op === undefined || op[0] === 'end') return { used: budget - left, wait: this.#idle(), ended: true };
      if (op[0] === 'burn') {
        const part = Math.min(left, op[1] - this.#done);
        left -= part;
        this.#retired += part;
        this.#done += part;
        if (this.#done >= op[1]) this.#next();
        continue;
      }
      const wait = this.#perform(op);
      if (wait !== undefined) return { used: budget - left, wait: { ...wait, on: [...wait.on, this.#wakeUp] } };
      left -= 1;
      this.#retired += 1;
    }
    return { used: budget, wait: undefined };
  }

  serve(service: string, channel: Channel): Result {
    if (service !== 'report') return -Errno.ENOENT;
    channel.receive(
      () => {
        this.#asking.push(channel);
        this.#machine.events.fire(this.#wakeUp);
      },
      () => undefined,
      () => undefined,
    );
    return 0;
  }

  stop(): Reply {
    return 0;
  }

  save(out: PartWriter): Reply {
    out.put('log', this.#log);
    out.put('position', [this.#pc, this.#retired, this.#done]);
    out.put('until', this.#until === undefined ? null : [this.#until.sec, this.#until.nsec]);
    return 0;
  }

  restore(part: PartReader): Reply {
    this.#log = [...(part.get('log') as readonly string[])];
    [this.#pc, this.#retired, this.#done] = part.get('position') as unknown as [number, number, number];
    const until = part.get('until') as readonly number[] | null;
    this.#until = until === null ? undefined : { sec: until[0] ?? 0, nsec: until[1] ?? 0 };
    return 0;
  }

  /** What the operation waits for; undefined if it is done. */
  #perform(op: Exclude<ProbeOp, readonly ['burn', number]>): Wait | undefined {
    switch (op[0]) {
      case 'write':
        return this.#transfer(this.console.write(text.encode(op[1])), 'write');
      case 'read': {
        const to = new Uint8Array(256);
        const reply = this.console.read(to);
        if (typeof reply === 'number' && reply >= 0) this.#note(`read "${new TextDecoder().decode(to.subarray(0, reply))}"`);
        return this.#transfer(reply, 'read');
      }
      case 'fsync': {
        const reply = this.share.fsync(1);
        this.#done += 1;
        if (this.#done >= op[1] || typeof reply !== 'number' || reply < 0) return this.#transfer(reply, 'fsync');
        return undefined;
      }
      case 'entropy': {
        const to = new Uint8Array(op[1]);
        this.#machine.entropy(to);
        return this.#finish(`entropy ${[...to].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`);
      }
      case 'clock':
        return this.#finish(`clock ${show(this.#now())}`);
      case 'sleep':
        return this.#sleep(op[1]);
      case 'charge':
        return this.#finish(`charge ${this.#machine.memory.charge(op[1])}`);
      case 'jump':
        this.#pc = op[1];
        return undefined;
      case 'throw':
        throw new Error(op[1]);
      case 'spin':
        for (;;);
      default:
        return { on: [] };
    }
  }

  #sleep(ms: number): Wait | undefined {
    const now = this.#now();
    if (this.#until === undefined) {
      const nsec = now.nsec + (ms % 1000) * 1e6;
      this.#until = { sec: now.sec + Math.floor(ms / 1000) + Math.floor(nsec / 1e9), nsec: nsec % 1e9 };
    }
    if (now.sec < this.#until.sec || (now.sec === this.#until.sec && now.nsec < this.#until.nsec)) return { on: [], until: this.#until };
    this.#until = undefined;
    return this.#finish('slept');
  }

  #transfer(reply: Reply, what: string): Wait | undefined {
    if (typeof reply !== 'number') return reply;
    return this.#finish(`${what} ${reply}`);
  }

  #finish(note: string): undefined {
    this.#note(note);
    this.#next();
  }

  #note(note: string): void {
    if (this.#log.length < LOG_MAX) this.#log.push(note);
  }

  #next(): void {
    this.#pc += 1;
    this.#done = 0;
  }

  #idle(): Wait {
    return { on: [this.#wakeUp] };
  }

  #now(): Instant {
    const now = { sec: 0, nsec: 0 };
    this.#machine.clock.read('monotonic', now);
    return now;
  }

  #answer(): void {
    const op = this.#program[this.#pc];
    const report: ProbeReport = { log: this.#log, retired: this.#retired, pc: this.#pc, ended: op === undefined || op[0] === 'end' };
    for (const channel of this.#asking.splice(0)) channel.send(text.encode(JSON.stringify(report)));
  }

  private get console(): Console {
    this.#console ??= ready(this.#machine.device('log')) as Console;
    return this.#console;
  }

  private get share(): Share {
    this.#share ??= ready(this.#machine.device('root')) as Share;
    return this.#share;
  }
}

const show = (instant: Instant): string => `${instant.sec}.${String(instant.nsec).padStart(9, '0')}`;

/** A device that this payload has not reset keeps what was accepted before: also after a restore. */
function ready<D extends { reset(): Reply; offered(): readonly string[]; accept(features: readonly string[]): Result }>(
  device: D | undefined,
): D {
  if (device === undefined) throw new Error('the probe needs devices "log" and "root"');
  if (device.accept(device.offered()) < 0) {
    device.reset();
    device.accept(device.offered());
  }
  return device;
}

/** The program as it travels in a payload reference. */
export function probeProgram(config: Plain | undefined): readonly ProbeOp[] {
  if (!Array.isArray(config)) throw new TypeError('a probe is configured with a list of operations');
  return config as unknown as readonly ProbeOp[];
}
