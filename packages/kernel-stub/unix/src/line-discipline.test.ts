import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INPUT_BYTES_MAX, LineDiscipline, OUTPUT_BYTES_MAX } from './line-discipline.ts';
import { Char, InputMode, LocalMode } from './terminal-settings.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function type(line: LineDiscipline, typed: string): (string | undefined)[] {
  return [...utf8(typed)].map((byte) => line.type(byte)).filter((signal) => signal !== undefined);
}

function read(line: LineDiscipline, most = 4096): string {
  const to = new Uint8Array(most);
  return text(to.subarray(0, line.read(to)));
}

function shown(line: LineDiscipline): string {
  const to = new Uint8Array(OUTPUT_BYTES_MAX);
  return text(to.subarray(0, line.show(to)));
}

function raw(line: LineDiscipline): void {
  const { settings } = line;
  line.set({ ...settings, local: settings.local & ~(LocalMode.ICANON | LocalMode.ECHO | LocalMode.ISIG), input: 0 });
}

describe('canonical mode', () => {
  it('gives lines, one a read, when they are complete', () => {
    const line = new LineDiscipline();
    type(line, 'one\rtw');
    expect(line.readable).toBe(4);
    expect(read(line)).toBe('one\n');
    expect(line.readable).toBe(0);
    type(line, 'o\nthree\n');
    expect(read(line)).toBe('two\n');
    expect(read(line, 2)).toBe('th');
    expect(read(line)).toBe('ree\n');
    expect(shown(line)).toBe('one\r\ntwo\r\nthree\r\n');
  });

  it('edits the line, and only it', () => {
    const line = new LineDiscipline();
    type(line, 'done\nab\x7f\x7f\x7f\x7fcd e\x17f\n');
    expect(read(line)).toBe('done\n');
    expect(read(line)).toBe('cd f\n');
    expect(shown(line)).toBe('done\r\nab\b \b\b \bcd e\b \bf\r\n');
    type(line, 'gone\x15kept\n');
    expect(read(line)).toBe('kept\n');
    type(line, 'é\x7fe\n');
    expect(read(line)).toBe('e\n');
  });

  it('ends the file with ^D at the start of a line, and hands a started line over', () => {
    const line = new LineDiscipline();
    type(line, 'ab\x04');
    expect(read(line)).toBe('ab');
    expect(line.readable).toBe(0);
    type(line, '\x04');
    expect(line.readable).toBe(1);
    expect(read(line)).toBe('');
    type(line, 'x\n\x04');
    expect(read(line)).toBe('x\n');
    expect(read(line)).toBe('');
  });

  it('takes the next character literally after ^V', () => {
    const line = new LineDiscipline();
    expect(type(line, '\x16\x03a\n')).toEqual([]);
    expect(read(line)).toBe('\x03a\n');
    expect(shown(line)).toBe('^\b^Ca\r\n');
  });

  it('keeps room for the end of a line that is too long', () => {
    const line = new LineDiscipline();
    type(line, 'x'.repeat(2 * INPUT_BYTES_MAX));
    expect(line.inputFull).toBe(false);
    type(line, '\n');
    const got = read(line, 2 * INPUT_BYTES_MAX);
    expect(got.length).toBe(INPUT_BYTES_MAX);
    expect(got.endsWith('x\n')).toBe(true);
  });
});

describe('signals and flow', () => {
  it('raises signals, drops what was typed, and says so', () => {
    const line = new LineDiscipline();
    expect(type(line, 'abc\x03\x1c\x1a')).toEqual(['interrupt', 'quit', 'suspend']);
    expect(line.readable).toBe(0);
    expect(shown(line)).toBe('^Z');
    type(line, 'x\n');
    expect(read(line)).toBe('x\n');
  });

  it('stops and goes on with ^S and ^Q', () => {
    const line = new LineDiscipline();
    type(line, '\x13');
    expect(line.stopped).toBe(true);
    type(line, '\x11');
    expect(line.stopped).toBe(false);
    expect(shown(line)).toBe('');
  });
});

describe('raw mode', () => {
  it('gives every byte as it is', () => {
    const line = new LineDiscipline();
    raw(line);
    expect(type(line, '\x03\r\x7f\x04')).toEqual([]);
    expect(read(line)).toBe('\x03\r\x7f\x04');
    expect(shown(line)).toBe('');
  });

  it('makes what is there readable when it begins', () => {
    const line = new LineDiscipline();
    type(line, 'half');
    expect(line.readable).toBe(0);
    raw(line);
    expect(read(line)).toBe('half');
  });

  it('disables characters that are 0', () => {
    const line = new LineDiscipline();
    const characters = line.settings.characters.slice();
    characters[Char.INTR] = 0;
    line.set({ ...line.settings, input: InputMode.ICRNL, characters });
    expect(type(line, '\0\x03\n')).toEqual([]);
    expect(read(line)).toBe('\0\x03\n');
  });
});

describe('output', () => {
  it('turns newlines into both, and is bounded', () => {
    const line = new LineDiscipline();
    expect(line.write(utf8('a\nb\t|\n'))).toBe(6);
    expect(shown(line)).toBe('a\r\nb\t|\r\n');
    const taken = line.write(new Uint8Array(2 * OUTPUT_BYTES_MAX).fill(0x61));
    expect(taken).toBeGreaterThan(OUTPUT_BYTES_MAX - 16);
    expect(taken).toBeLessThanOrEqual(OUTPUT_BYTES_MAX);
    expect(line.write(utf8('b'))).toBe(0);
    expect(shown(line)).toBe('a'.repeat(taken));
  });
});

it('is the same after a save in the middle of anything', () => {
  const typed = fc.array(fc.constantFrom(...utf8('ab \n\x03\x04\x7f\x15\x16\x17\x13\x11\t')), { maxLength: 40 });
  const modes = fc.boolean();
  fc.assert(
    fc.property(typed, typed, modes, (before, after, isRaw) => {
      const one = new LineDiscipline();
      if (isRaw) raw(one);
      for (const byte of before) one.type(byte);
      const other = new LineDiscipline();
      other.restore(one.save());
      const rest = (line: LineDiscipline): unknown => [
        after.map((byte) => line.type(byte)),
        line.readable,
        read(line),
        read(line),
        shown(line),
        line.stopped,
      ];
      expect(rest(other)).toEqual(rest(one));
    }),
  );
});
