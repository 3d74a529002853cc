import type { Console } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { ConsoleDriver, type ConsoleOpener } from './console.ts';
import { FakeEvents, MemoryPart } from './fakes.test.support.ts';
import { bytes, now, outcome, text } from './share/share-client.test.support.ts';

function rig(options: { prefix?: string; input?: boolean } = {}) {
  const events = new FakeEvents();
  const log: string[] = [];
  const driver = new ConsoleDriver({ events, log: (out) => log.push(text(out)), ...options });
  const open = (): ConsoleOpener => {
    const opener = driver.open();
    opener.accept(opener.offered());
    return opener;
  };
  return { events, log, driver, open };
}

function read(console: Console, length = 100): string {
  const to = new Uint8Array(length);
  return text(to.subarray(0, now(console.read(to))));
}

describe('ConsoleDriver', () => {
  it('passes bytes through as they come', () => {
    const { open, log } = rig();
    const console = open();
    expect(console.write(bytes('half a line'))).toBe(11);
    console.write(bytes(', whole\nnext'));
    expect(log.join('')).toBe('half a line, whole\nnext');
  });

  it('keeps the lines of several consumers whole behind a prefix', () => {
    const { open, log } = rig({ prefix: '[a] ' });
    const one = open();
    const two = open();
    one.write(bytes('one '));
    two.write(bytes('two\n\nthr'));
    one.write(bytes('line\n'));
    expect(log).toEqual(['[a] two\n', '[a] \n', '[a] one line\n']);
    two.close();
    expect(log.at(-1)).toBe('[a] thr\n');
  });

  it('does not hold a line without end for ever', () => {
    const { open, log } = rig({ prefix: '> ' });
    expect(open().write(new Uint8Array(10_000).fill(0x78))).toBe(10_000);
    expect(log.map(({ length }) => length)).toEqual([4096 + 3, 4096 + 3]);
  });

  it('takes at most 65,536 bytes a call', () => {
    expect(rig().open().write(new Uint8Array(100_000))).toBe(65_536);
  });

  it('gives each consumer its own input, and a wait while there is none', () => {
    const { events, open, driver } = rig({ input: true });
    const one = open();
    const two = open();
    const to = new Uint8Array(4);
    expect(one.read(to)).toEqual({ on: [one.event] });
    const before = events.now();
    expect(driver.type(bytes('typed'))).toBe(5);
    expect(events.last(one.event)).toBeGreaterThan(before);
    two.type(bytes('other'));
    expect([read(one, 2), read(one), read(two)]).toEqual(['ty', 'ped', 'other']);
    one.type(bytes('rest'));
    one.endInput();
    expect(read(one)).toBe('rest');
    expect(one.read(to)).toBe(0);
    expect(two.read(to)).toEqual({ on: [two.event] });
  });

  it('is at its end at once where nobody can type', () => {
    expect(rig().open().read(new Uint8Array(1))).toBe(0);
  });

  it('takes no more input than it holds', () => {
    const { open } = rig({ input: true });
    const console = open();
    expect(console.type(new Uint8Array(70_000))).toBe(65_536);
    expect(console.type(bytes('x'))).toBe(0);
    expect(now(console.read(new Uint8Array(100_000)))).toBe(65_536);
    expect(console.type(bytes('x'))).toBe(1);
  });

  it('resets one without disturbing another', () => {
    const { open } = rig({ input: true });
    const one = open();
    const two = open();
    one.type(bytes('one'));
    two.type(bytes('two'));
    one.reset();
    expect(outcome(one.write(bytes('x')))).toBe('EIO');
    expect(read(two)).toBe('two');
    one.accept([]);
    expect(one.read(new Uint8Array(1))).toEqual({ on: [one.event] });
  });

  it('tells its size, and of a new one', () => {
    const { events, open, driver } = rig();
    const console = open();
    const out = { columns: 0, rows: 0 };
    expect(console.size(out)).toBe(0);
    expect(out).toEqual({ columns: 80, rows: 24 });
    driver.resize(100, 30);
    expect(events.last(console.event)).toBe(events.now());
    console.size(out);
    expect(out).toEqual({ columns: 100, rows: 30 });
  });

  it('keeps input and the unfinished line over a save', () => {
    const before = rig({ prefix: '# ', input: true }).open();
    before.type(bytes('typed ahead'));
    before.write(bytes('begun '));
    const part = new MemoryPart();
    before.save(part);
    const { log, driver } = rig({ prefix: '# ', input: true });
    const after = driver.open();
    expect(after.restore(part.read())).toBe(0);
    after.write(bytes('ended\n'));
    expect(log).toEqual(['# begun ended\n']);
    expect(read(after)).toBe('typed ahead');
  });
});
