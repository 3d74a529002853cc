import type { Plain } from '@ashlar/hardware';
import type { Termios } from '@ashlar/kernel-stub';
import { Char, copySettings, defaultSettings, InputMode, LocalMode, OutputMode } from './terminal-settings.ts';

/** Bytes typed and not yet read; the longest line is one less (Linux's N_TTY_BUF_SIZE). */
export const INPUT_BYTES_MAX = 4096;
/** Bytes written and not yet shown. */
export const OUTPUT_BYTES_MAX = 65536;
/** Echo of one character takes at most this. */
const ECHO_BYTES_MAX = 8;
const NEWLINE = 10;
const RETURN = 13;
const BACKSPACE = 8;
const TAB = 9;
const SPACE = 32;
const DELETE = 127;
const BELL = 7;
const CARET = 0x5e;
const DISABLED = 0;
/** How an input byte ends a line. */
const Mark = { NONE: 0, DELIMITER: 1, EOF: 2 } as const;

/** Signals that typing can raise. */
export type TypedSignal = 'interrupt' | 'quit' | 'suspend';

/**
 * The line discipline of a terminal (termios(3), Linux n_tty): what typed bytes become before programs read them, and what written bytes become
 * before they are shown. Pure state: it waits for nobody and knows no processes.
 */
export class LineDiscipline {
  readonly settings: Termios = defaultSettings();
  readonly #input = new Uint8Array(INPUT_BYTES_MAX);
  readonly #marks = new Uint8Array(INPUT_BYTES_MAX);
  /** Positions grow for ever; modulo the size they index. tail ≤ ended ≤ head: complete lines, then the one being edited. */
  #tail = 0;
  #ended = 0;
  #head = 0;
  readonly #output = new Uint8Array(OUTPUT_BYTES_MAX);
  #shown = 0;
  #written = 0;
  #column = 0;
  #literal = false;
  /** ^S was typed. */
  stopped = false;

  get canonical(): boolean {
    return (this.settings.local & LocalMode.ICANON) !== 0;
  }

  /** Bytes a read could give now: whole lines, or everything in raw mode. An end-of-file mark counts as one. */
  get readable(): number {
    return (this.canonical ? this.#ended : this.#head) - this.#tail;
  }

  get outputBytes(): number {
    return this.#written - this.#shown;
  }

  /** Bytes of output that surely fit. */
  get outputRoom(): number {
    return OUTPUT_BYTES_MAX - this.outputBytes;
  }

  /** Whether typing must wait for a reader. A full unfinished line does not: what is typed beyond it is lost, so that it can be ended. */
  get inputFull(): boolean {
    const full = this.#head - this.#tail >= INPUT_BYTES_MAX - 1;
    return full && (!this.canonical || this.#ended > this.#tail);
  }

  /** One typed byte; the signal it raises, if any. */
  type(typed: number): TypedSignal | undefined {
    const { input, local, characters } = this.settings;
    let byte = (input & InputMode.ISTRIP) !== 0 ? typed & 0x7f : typed;
    if (this.#literal) {
      this.#literal = false;
      this.#append(byte, Mark.NONE);
      return undefined;
    }
    if ((input & InputMode.IXON) !== 0 && this.#flow(byte)) return undefined;
    if ((local & LocalMode.ISIG) !== 0) {
      const signal = this.#signal(byte);
      if (signal !== undefined) return signal;
    }
    if (byte === RETURN) {
      if ((input & InputMode.IGNCR) !== 0) return undefined;
      if ((input & InputMode.ICRNL) !== 0) byte = NEWLINE;
    } else if (byte === NEWLINE && (input & InputMode.INLCR) !== 0) byte = RETURN;
    if (!this.canonical) {
      this.#append(byte, Mark.NONE);
      return undefined;
    }
    if (this.#edit(byte)) return undefined;
    if (byte !== DISABLED && byte === characters[Char.EOF]) {
      this.#endLine(byte, Mark.EOF);
    } else if (byte === NEWLINE || (byte !== DISABLED && (byte === characters[Char.EOL] || byte === characters[Char.EOL2]))) {
      if (byte === NEWLINE && (local & (LocalMode.ECHO | LocalMode.ECHONL)) !== 0) this.#echo(NEWLINE);
      else if (byte !== NEWLINE) this.#echoTyped(byte);
      this.#endLine(byte, Mark.DELIMITER);
    } else this.#append(byte, Mark.NONE);
    return undefined;
  }

  #flow(byte: number): boolean {
    const { input, characters } = this.settings;
    if (byte === characters[Char.STOP] && byte !== DISABLED) {
      this.stopped = true;
      return true;
    }
    if (byte === characters[Char.START] && byte !== DISABLED) {
      this.stopped = false;
      return true;
    }
    if (this.stopped && (input & InputMode.IXANY) !== 0) this.stopped = false;
    return false;
  }

  #signal(byte: number): TypedSignal | undefined {
    const { local, characters } = this.settings;
    if (byte === DISABLED) return undefined;
    const signal =
      byte === characters[Char.INTR]
        ? 'interrupt'
        : byte === characters[Char.QUIT]
          ? 'quit'
          : byte === characters[Char.SUSP]
            ? 'suspend'
            : undefined;
    if (signal === undefined) return undefined;
    if ((local & LocalMode.NOFLSH) === 0) {
      this.flushInput();
      this.#shown = this.#written;
    }
    this.stopped = false;
    this.#echoTyped(byte);
    return signal;
  }

  /** Whether the byte edits the line. */
  #edit(byte: number): boolean {
    const { local, characters } = this.settings;
    if (byte === DISABLED) return false;
    const extended = (local & LocalMode.IEXTEN) !== 0;
    if (byte === characters[Char.ERASE]) this.#eraseOne();
    else if (extended && byte === characters[Char.WERASE]) this.#eraseWord();
    else if (byte === characters[Char.KILL]) this.#kill(byte);
    else if (extended && byte === characters[Char.LNEXT]) {
      this.#literal = true;
      if ((local & LocalMode.ECHO) !== 0 && (local & LocalMode.ECHOCTL) !== 0) this.#put(CARET, BACKSPACE);
    } else if (extended && byte === characters[Char.REPRINT]) this.#reprint(byte);
    else return false;
    return true;
  }

  /** Takes the last character of the line being edited away, all bytes of it if it is UTF-8 beyond ASCII. */
  #eraseOne(): void {
    if (this.#head === this.#ended) return;
    let byte: number;
    do byte = this.#input[--this.#head % INPUT_BYTES_MAX] as number;
    while ((byte & 0xc0) === 0x80 && this.#head > this.#ended);
    if ((this.settings.local & LocalMode.ECHO) === 0) return;
    if ((this.settings.local & LocalMode.ECHOE) === 0) this.#echoTyped(this.settings.characters[Char.ERASE] as number);
    else this.#rubOut(byte);
  }

  #rubOut(byte: number): void {
    const columns = byte === TAB ? this.#tabColumns() : isControl(byte) ? ((this.settings.local & LocalMode.ECHOCTL) !== 0 ? 2 : 0) : 1;
    for (let i = 0; i < columns; i++) this.#put(BACKSPACE, SPACE, BACKSPACE);
  }

  /** Columns that the tab just erased had taken, counted from the start of the line being edited. */
  #tabColumns(): number {
    let column = 0;
    for (let at = this.#ended; at < this.#head; at++) {
      const byte = this.#input[at % INPUT_BYTES_MAX] as number;
      column += byte === TAB ? 8 - (column % 8) : isControl(byte) ? 2 : 1;
    }
    return 8 - (column % 8);
  }

  #eraseWord(): void {
    const last = (): number => this.#input[(this.#head - 1) % INPUT_BYTES_MAX] as number;
    while (this.#head > this.#ended && !isWord(last())) this.#eraseOne();
    while (this.#head > this.#ended && isWord(last())) this.#eraseOne();
  }

  #kill(byte: number): void {
    const { local } = this.settings;
    const erases = (local & LocalMode.ECHOKE) !== 0 && (local & LocalMode.ECHOE) !== 0;
    if ((local & LocalMode.ECHO) === 0 || !erases) {
      this.#head = this.#ended;
      this.#echoTyped(byte);
      if ((local & LocalMode.ECHOK) !== 0) this.#echo(NEWLINE);
    } else while (this.#head > this.#ended) this.#eraseOne();
  }

  #reprint(byte: number): void {
    this.#echoTyped(byte);
    this.#echo(NEWLINE);
    for (let at = this.#ended; at < this.#head; at++) this.#echoTyped(this.#input[at % INPUT_BYTES_MAX] as number);
  }

  #append(byte: number, mark: number): void {
    if (this.#head - this.#tail >= INPUT_BYTES_MAX - 1) {
      if ((this.settings.input & InputMode.IMAXBEL) !== 0) this.#put(BELL);
      return;
    }
    this.#store(byte, mark);
    if (byte === NEWLINE && (this.settings.local & LocalMode.ECHO) !== 0) this.#echo(NEWLINE);
    else this.#echoTyped(byte);
  }

  #endLine(byte: number, mark: number): void {
    this.#store(byte, mark);
    this.#ended = this.#head;
  }

  #store(byte: number, mark: number): void {
    this.#input[this.#head % INPUT_BYTES_MAX] = byte;
    this.#marks[this.#head % INPUT_BYTES_MAX] = mark;
    this.#head++;
  }

  #echoTyped(byte: number): void {
    const { local } = this.settings;
    if ((local & LocalMode.ECHO) === 0) return;
    if (isControl(byte) && byte !== TAB && byte !== NEWLINE && (local & LocalMode.ECHOCTL) !== 0) {
      this.#put(CARET, byte ^ 0x40);
      this.#column += 2;
    } else this.#echo(byte);
  }

  #echo(byte: number): void {
    if (this.outputRoom >= ECHO_BYTES_MAX) this.#process(byte);
  }

  #put(...bytes: number[]): void {
    for (const byte of bytes) if (this.outputRoom > 0) this.#output[this.#written++ % OUTPUT_BYTES_MAX] = byte;
  }

  /** Copies what a read gets: at most one line in canonical mode. 0: an end-of-file mark was read (or nothing was there). */
  read(to: Uint8Array): number {
    const canonical = this.canonical;
    const end = canonical ? this.#ended : this.#head;
    let count = 0;
    while (this.#tail < end && count < to.length) {
      const at = this.#tail++ % INPUT_BYTES_MAX;
      const mark = canonical ? this.#marks[at] : Mark.NONE;
      if (mark === Mark.EOF) return count;
      to[count++] = this.#input[at] as number;
      if (mark === Mark.DELIMITER) return count;
    }
    // A read that ends exactly before ^D takes it along: the next read is not the end of the file.
    if (canonical && count > 0 && this.#tail < end && this.#marks[this.#tail % INPUT_BYTES_MAX] === Mark.EOF) this.#tail++;
    return count;
  }

  /** Bytes of `from` taken: fewer where the output is full. */
  write(from: Uint8Array): number {
    const plain = (this.settings.output & OutputMode.OPOST) === 0;
    for (let i = 0; i < from.length; i++) {
      if (this.outputRoom < (plain ? 1 : ECHO_BYTES_MAX)) return i;
      this.#process(from[i] as number);
    }
    return from.length;
  }

  /** Bytes for the screen. */
  show(to: Uint8Array): number {
    const count = Math.min(to.length, this.outputBytes);
    const start = this.#shown % OUTPUT_BYTES_MAX;
    const first = Math.min(count, OUTPUT_BYTES_MAX - start);
    to.set(this.#output.subarray(start, start + first));
    to.set(this.#output.subarray(0, count - first), first);
    this.#shown += count;
    return count;
  }

  /** Output processing (OPOST). */
  #process(byte: number): void {
    const { output } = this.settings;
    if ((output & OutputMode.OPOST) === 0) {
      this.#put(byte);
      return;
    }
    if (byte === NEWLINE) {
      if ((output & OutputMode.ONLCR) !== 0) this.#put(RETURN);
      if ((output & (OutputMode.ONLCR | OutputMode.ONLRET)) !== 0) this.#column = 0;
      this.#put(NEWLINE);
    } else if (byte === RETURN) {
      if ((output & OutputMode.ONOCR) !== 0 && this.#column === 0) return;
      const turned = (output & OutputMode.OCRNL) !== 0;
      if (!turned || (output & OutputMode.ONLRET) !== 0) this.#column = 0;
      this.#put(turned ? NEWLINE : RETURN);
    } else if (byte === TAB) {
      const spaces = 8 - (this.#column % 8);
      this.#column += spaces;
      if ((output & OutputMode.XTABS) === OutputMode.XTABS) for (let i = 0; i < spaces; i++) this.#put(SPACE);
      else this.#put(TAB);
    } else {
      if (byte === BACKSPACE) this.#column = Math.max(0, this.#column - 1);
      else if (!isControl(byte) && (byte & 0xc0) !== 0x80) this.#column++;
      this.#put(byte);
    }
  }

  flushInput(): void {
    this.#tail = this.#head;
    this.#ended = this.#head;
    this.#literal = false;
  }

  /** What is there when canonical mode begins is one line; when it ends, all of it can be read (as n_tty does). */
  set(next: Termios): void {
    const was = this.canonical;
    copySettings(next, this.settings);
    if (!was && this.canonical && this.#head > this.#tail) {
      this.#marks[(this.#head - 1) % INPUT_BYTES_MAX] = Mark.DELIMITER;
      this.#ended = this.#head;
    } else if (!this.canonical) this.#ended = Math.min(this.#ended, this.#head);
    else if (!was) this.#ended = this.#head;
    if ((this.settings.input & InputMode.IXON) === 0) this.stopped = false;
  }

  save(): Plain {
    const input: number[] = [];
    for (let at = this.#tail; at < this.#head; at++)
      input.push(this.#input[at % INPUT_BYTES_MAX] as number, this.#marks[at % INPUT_BYTES_MAX] as number);
    const output = new Uint8Array(this.outputBytes);
    const shown = this.#shown;
    this.show(output);
    this.#shown = shown;
    const { characters, ...modes } = this.settings;
    return {
      modes,
      characters: characters.slice(),
      input: Uint8Array.from(input),
      ended: this.#ended - this.#tail,
      output,
      column: this.#column,
      literal: this.#literal,
      stopped: this.stopped,
    };
  }

  restore(saved: Plain): void {
    const state = saved as {
      modes: Omit<Termios, 'characters'>;
      characters: Uint8Array;
      input: Uint8Array;
      ended: number;
      output: Uint8Array;
      column: number;
      literal: boolean;
      stopped: boolean;
    };
    copySettings({ ...state.modes, characters: state.characters }, this.settings);
    this.#tail = 0;
    this.#head = 0;
    for (let i = 0; i < state.input.length; i += 2) this.#store(state.input[i] as number, state.input[i + 1] as number);
    this.#ended = state.ended;
    this.#shown = 0;
    this.#written = state.output.length;
    this.#output.set(state.output);
    this.#column = state.column;
    this.#literal = state.literal;
    this.stopped = state.stopped;
  }
}

const isControl = (byte: number): boolean => byte < SPACE || byte === DELETE;
const isWord = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte >= 0x80;
