import {
  type Console,
  Errno,
  type EventKey,
  type Events,
  type Instant,
  type PartReader,
  type PartWriter,
  type Reply,
  type Result,
} from '@ashlar/hardware';
import { ByteRing } from './byte-ring.ts';
import { LifeCycle } from './life-cycle.ts';

/** Most bytes of one read or write. */
const IO_BYTES_MAX = 65_536;
/** Bytes of input that wait for one consumer. */
const INPUT_BYTES_MAX = 65_536;
/** With a prefix, a line is held until it ends or is this long. */
const LINE_BYTES_MAX = 4096;
const NEWLINE = 0x0a;

export interface ConsoleOptions {
  readonly events: Events;
  /** Where output goes. The bytes are good until it returns. */
  readonly log: (bytes: Uint8Array) => void;
  /** Put before each line. Lines of several consumers are then kept whole. */
  readonly prefix?: string;
  /** Whether anybody may type; without, reading is at its end at once. */
  readonly input?: boolean;
  /** Characters; 80 × 24 if nobody says otherwise. */
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * The machine's console for many: all consumers write to one log, and each has its own input, its own unfinished line and its own end of input.
 */
export class ConsoleDriver {
  readonly #openers = new Set<ConsoleOpener>();
  readonly #prefix: Uint8Array;
  #columns: number;
  #rows: number;

  constructor(private readonly options: ConsoleOptions) {
    this.#prefix = new TextEncoder().encode(options.prefix ?? '');
    this.#columns = options.columns ?? 80;
    this.#rows = options.rows ?? 24;
  }

  /** `input` false: for a consumer that only writes; its input is at its end from the start. */
  open(input = this.options.input ?? false): ConsoleOpener {
    const { events, log } = this.options;
    const opener = new ConsoleOpener({
      events,
      log,
      prefix: this.#prefix,
      input,
      size: (out) => {
        out.columns = this.#columns;
        out.rows = this.#rows;
      },
      onClose: () => this.#openers.delete(opener),
    });
    this.#openers.add(opener);
    return opener;
  }

  /** Types into the console of the consumer with input that came first; bytes taken, none while there is none. */
  type(bytes: Uint8Array): number {
    for (const opener of this.#openers) if (opener.input) return opener.type(bytes);
    return 0;
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    for (const opener of this.#openers) opener.fire();
  }

  close(): void {
    for (const opener of [...this.#openers]) opener.close();
  }
}

interface OpenerParts {
  readonly events: Events;
  readonly log: (bytes: Uint8Array) => void;
  readonly prefix: Uint8Array;
  readonly input: boolean;
  readonly size: (out: { columns: number; rows: number }) => void;
  readonly onClose: () => void;
}

/** A console as one consumer has it, and the keyboard's end of it. */
export class ConsoleOpener implements Console {
  readonly kind = 'console';
  readonly schema = 'console/1';
  readonly event: EventKey;
  readonly #life = new LifeCycle([]);
  readonly #input = new ByteRing(INPUT_BYTES_MAX);
  readonly #line = new ByteRing(LINE_BYTES_MAX);
  #ended: boolean;
  #closed = false;

  constructor(private readonly parts: OpenerParts) {
    this.event = parts.events.allocate();
    this.#ended = !parts.input;
  }

  /** Whether anybody may type to it. */
  get input(): boolean {
    return this.parts.input;
  }

  /** Gives input to this consumer; bytes taken: none before it is ready, as a reset would lose them, fewer when {@link INPUT_BYTES_MAX} wait already. */
  type(bytes: Uint8Array): number {
    if (this.#ended || !this.#life.isReady) return 0;
    const taken = this.#input.push(bytes);
    if (taken > 0) this.fire();
    return taken;
  }

  /** No more input will come. */
  endInput(): void {
    this.#ended = true;
    this.fire();
  }

  fire(): void {
    this.parts.events.fire(this.event);
  }

  reset(): Reply {
    this.#flush();
    this.#life.reset();
    this.#input.clear();
    return 0;
  }
  offered(): readonly string[] {
    return this.#life.offered();
  }
  accept(features: readonly string[]): Result {
    return this.#closed ? -Errno.ENODEV : this.#life.accept(features);
  }
  quiesce(_until: Instant): Reply {
    return 0;
  }
  close(): void {
    if (this.#closed) return;
    this.reset();
    this.#closed = true;
    this.parts.events.release(this.event);
    this.parts.onClose();
  }

  read(to: Uint8Array): Reply {
    if (!this.#life.isReady) return -Errno.EIO;
    const wanted = to.subarray(0, Math.min(to.length, IO_BYTES_MAX));
    if (wanted.length === 0) return 0;
    const count = this.#input.peek(0, wanted);
    if (count === 0) return this.#ended ? 0 : { on: [this.event] };
    this.#input.drop(count);
    return count;
  }

  write(from: Uint8Array): Reply {
    if (!this.#life.isReady) return -Errno.EIO;
    const bytes = from.subarray(0, Math.min(from.length, IO_BYTES_MAX));
    if (this.parts.prefix.length === 0) {
      if (bytes.length > 0) this.parts.log(bytes);
      return bytes.length;
    }
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at);
      const part = bytes.subarray(at, end < 0 ? bytes.length : end);
      const taken = this.#line.push(part);
      at += taken;
      if (taken < part.length) this.#flush();
      else if (end >= 0) {
        this.#emit();
        at++;
      }
    }
    return bytes.length;
  }

  size(out: { columns: number; rows: number }): Result {
    if (!this.#life.isReady) return -Errno.EIO;
    this.parts.size(out);
    return 0;
  }

  save(out: PartWriter): Reply {
    out.put('features', this.#life.save());
    out.put('input', this.#input.contents());
    out.put('line', this.#line.contents());
    return 0;
  }

  restore(part: PartReader): Reply {
    const input = part.get('input');
    const line = part.get('line');
    if (!(input instanceof Uint8Array) || !(line instanceof Uint8Array)) return -Errno.EINVAL;
    this.#input.clear();
    this.#line.clear();
    if (this.#input.push(input) < input.length || this.#line.push(line) < line.length) return -Errno.EINVAL;
    return this.#life.restore(part.get('features'));
  }

  /** Ends a line that the consumer did not. */
  #flush(): void {
    if (this.#line.length > 0) this.#emit();
  }

  #emit(): void {
    const { prefix, log } = this.parts;
    const line = this.#line.contents();
    const out = new Uint8Array(prefix.length + line.length + 1);
    out.set(prefix);
    out.set(line, prefix.length);
    out[out.length - 1] = NEWLINE;
    this.#line.clear();
    log(out);
  }
}
