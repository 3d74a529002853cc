import type { Termios } from '@ashlar/kernel-stub';

/** termios(3) bits with Linux's values, as far as the line discipline looks at them. */
export const InputMode = { ISTRIP: 0x20, INLCR: 0x40, IGNCR: 0x80, ICRNL: 0x100, IXON: 0x400, IXANY: 0x800, IMAXBEL: 0x2000 } as const;
export const OutputMode = { OPOST: 1, ONLCR: 4, OCRNL: 8, ONOCR: 0x10, ONLRET: 0x20, XTABS: 0x1800 } as const;
export const LocalMode = {
  ISIG: 1,
  ICANON: 2,
  ECHO: 8,
  ECHOE: 0x10,
  ECHOK: 0x20,
  ECHONL: 0x40,
  NOFLSH: 0x80,
  TOSTOP: 0x100,
  ECHOCTL: 0x200,
  ECHOKE: 0x800,
  IEXTEN: 0x8000,
} as const;
/** Indices of control characters. */
export const Char = {
  INTR: 0,
  QUIT: 1,
  ERASE: 2,
  KILL: 3,
  EOF: 4,
  TIME: 5,
  MIN: 6,
  START: 8,
  STOP: 9,
  SUSP: 10,
  EOL: 11,
  REPRINT: 12,
  WERASE: 14,
  LNEXT: 15,
  EOL2: 16,
} as const;
const CHARACTERS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

/** What a new Linux terminal has: cooked, 38,400 baud, 8 bits. */
export function defaultSettings(): Termios {
  return { input: 0x500, output: 5, control: 0xbf, local: 0x8a3b, line: 0, characters: Uint8Array.from(CHARACTERS) };
}

export function copySettings(from: Termios, to: Termios): void {
  to.input = from.input;
  to.output = from.output;
  to.control = from.control;
  to.local = from.local;
  to.line = from.line;
  to.characters.set(from.characters.subarray(0, to.characters.length));
}
