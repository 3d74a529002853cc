import type { Instant, Reply } from '@ashlar/hardware';
import { Errno } from '@ashlar/hardware';
import { PollBit, type Termios } from '@ashlar/kernel-stub';
import { describe, expect, it } from 'vitest';
import { BytesIo } from './io.ts';
import { PseudoTerminal } from './terminal.ts';
import { Char, defaultSettings, LocalMode } from './terminal-settings.ts';
import { FakeCaller, FakeHost } from './testing/fake-host.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const isWait = (reply: Reply): boolean => typeof reply !== 'number';

class Fixture {
  readonly host = new FakeHost();
  readonly terminal = new PseudoTerminal(this.host, 0, 80, 24);
  readonly caller = new FakeCaller({ root: undefined as never, cwd: undefined as never, umask: 0 });
  readonly inside = this.terminal.open(2);

  read(most = 100): string | Reply {
    const to = new Uint8Array(most);
    const reply = this.inside.read(this.caller, new BytesIo(to));
    return typeof reply === 'number' && reply > 0 ? new TextDecoder().decode(to.subarray(0, reply)) : reply;
  }

  write(text: string): Reply {
    return this.inside.write(this.caller, new BytesIo(utf8(text)));
  }

  shown(): string | Reply {
    const to = new Uint8Array(65536);
    const reply = this.terminal.show(to);
    return typeof reply === 'number' && reply > 0 ? new TextDecoder().decode(to.subarray(0, reply)) : reply;
  }

  raw(least: number, deciseconds: number): void {
    const settings: Termios = defaultSettings();
    settings.local &= ~(LocalMode.ICANON | LocalMode.ECHO);
    settings.characters[Char.MIN] = least;
    settings.characters[Char.TIME] = deciseconds;
    expect(this.terminal.setSettings(this.caller, settings, 0)).toBe(0);
  }

  until(reply: string | Reply): Instant | undefined {
    return typeof reply === 'object' ? reply.until : undefined;
  }
}

describe('a terminal', () => {
  it('lets programs wait for lines, and the operator for output', () => {
    const tty = new Fixture();
    expect(isWait(tty.read() as Reply)).toBe(true);
    expect(isWait(tty.shown() as Reply)).toBe(true);
    expect(tty.inside.ready(tty.caller)).toBe(PollBit.OUT);
    tty.terminal.type(utf8('hi\n'));
    expect(tty.inside.ready(tty.caller)).toBe(PollBit.IN | PollBit.OUT);
    expect(tty.read()).toBe('hi\n');
    expect(tty.write('yes\n')).toBe(4);
    expect(tty.shown()).toBe('hi\r\nyes\r\n');
  });

  it('signals the foreground group, and says when its size changed', () => {
    const tty = new Fixture();
    tty.terminal.foreground = 7;
    tty.terminal.type(utf8('\x03'));
    expect(tty.terminal.resize(100, 40)).toBe(0);
    expect(tty.terminal.resize(100, 40)).toBe(0);
    expect(tty.host.signals).toEqual([
      [7, 2],
      [7, 28],
    ]);
  });

  it('asks about processes of the background', () => {
    const tty = new Fixture();
    tty.terminal.foreground = 7;
    tty.caller.controllingTerminal = tty.terminal;
    tty.host.backgroundAnswer = -Errno.EIO;
    tty.terminal.type(utf8('x\n'));
    expect(tty.read()).toBe(-Errno.EIO);
    tty.caller.processGroup = 7;
    expect(tty.read()).toBe('x\n');
  });

  it('honours VMIN and VTIME', () => {
    const tty = new Fixture();
    tty.raw(0, 0);
    expect(tty.read()).toBe(0);
    tty.raw(3, 0);
    tty.terminal.type(utf8('ab'));
    expect(isWait(tty.read() as Reply)).toBe(true);
    tty.terminal.type(utf8('c'));
    expect(tty.read()).toBe('abc');

    tty.raw(0, 5);
    expect(tty.until(tty.read())).toEqual({ sec: 1000, nsec: 500_000_000 });
    tty.host.now.sec = 1001;
    expect(tty.read()).toBe(0);

    tty.raw(3, 5);
    expect(tty.until(tty.read())).toBeUndefined();
    tty.caller.progress = undefined;
    tty.terminal.type(utf8('a'));
    expect(tty.until(tty.read())).toEqual({ sec: 1001, nsec: 500_000_000 });
    tty.host.now.sec = 1002;
    expect(tty.read()).toBe('a');
  });

  it('holds writers back when nobody looks, and goes on where they were', () => {
    const tty = new Fixture();
    const much = 'x'.repeat(200_000);
    expect(isWait(tty.write(much))).toBe(true);
    let all = '';
    for (let i = 0; i < 10 && tty.caller.progress !== undefined; i++) {
      all += tty.shown();
      tty.write(much);
    }
    expect(tty.caller.progress).toBeUndefined();
    expect(all + (tty.shown() as string)).toBe(much);
  });

  it('ends for the operator when its last program closes it, and for programs when the operator is gone', () => {
    const tty = new Fixture();
    tty.write('bye');
    tty.inside.release();
    expect(tty.shown()).toBe('bye');
    expect(tty.shown()).toBe(0);
    const other = new Fixture();
    other.terminal.hangup();
    expect(other.read()).toBe(0);
    expect(other.write('x')).toBe(-Errno.EIO);
    expect(other.terminal.type(utf8('x'))).toBe(-Errno.EIO);
  });

  it('is the same after a save', () => {
    const tty = new Fixture();
    tty.terminal.foreground = 7;
    tty.terminal.type(utf8('line\nhalf'));
    tty.write('out');
    const other = new Fixture();
    other.terminal.restore(tty.terminal.save());
    for (const each of [tty, other]) {
      each.terminal.type(utf8(' whole\n'));
      expect(each.read()).toBe('line\n');
      expect(each.read()).toBe('half whole\n');
      expect(each.shown()).toBe('line\r\nhalfout whole\r\n');
      expect(each.terminal.foreground).toBe(7);
    }
  });
});
