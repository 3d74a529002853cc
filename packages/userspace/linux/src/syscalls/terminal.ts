import { Errno, type Reply } from '@ashlar/hardware';
import { OpenFlag } from '@ashlar/kernel-stub';
import { getTermios, putTermios, TERMIOS_BYTES, TERMIOS2_BYTES } from '../abi/structures.ts';
import type { Call } from '../call.ts';
import { row, type Syscall } from './syscall.ts';

/** Requests of ioctl(2) that are answered (include/uapi/asm-generic/ioctls.h). */
const Request = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TCSBRK: 0x5409,
  TCXONC: 0x540a,
  TCFLSH: 0x540b,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  TIOCNOTTY: 0x5422,
  TIOCGSID: 0x5429,
  TCGETS2: 0x802c_542a,
  TCSETS2: 0x402c_542b,
  TCSETSW2: 0x402c_542c,
  TCSETSF2: 0x402c_542d,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
} as const;

const BAUD = 38_400;
const WINSIZE_BYTES = 8;

function getSettings(call: Call, second: boolean): Reply {
  const reply = call.system.terminalGet(call.task, call.int(0), call.termios);
  if (reply < 0) return reply;
  putTermios(call.view, call.termios);
  call.view.setUint32(TERMIOS_BYTES, BAUD, true);
  call.view.setUint32(TERMIOS_BYTES + 4, BAUD, true);
  return call.store(call.address(2), second ? TERMIOS2_BYTES : TERMIOS_BYTES);
}

function setSettings(call: Call, second: boolean, when: number): Reply {
  const fetched = call.fetch(call.address(2), second ? TERMIOS2_BYTES : TERMIOS_BYTES);
  if (fetched !== 0) return fetched;
  getTermios(call.view, call.termios);
  return call.system.terminalSet(call.task, call.int(0), call.termios, when);
}

function windowSize(call: Call, setting: boolean): Reply {
  let set: { columns: number; rows: number } | undefined;
  if (setting) {
    const fetched = call.fetch(call.address(2), WINSIZE_BYTES);
    if (fetched !== 0) return fetched;
    set = { rows: call.view.getUint16(0, true), columns: call.view.getUint16(2, true) };
  }
  const reply = call.system.terminalSize(call.task, call.int(0), set);
  if (reply < 0 || setting) return reply;
  call.head(WINSIZE_BYTES).fill(0);
  call.view.setUint16(0, call.task.values[1]!, true);
  call.view.setUint16(2, call.task.values[0]!, true);
  return call.store(call.address(2), WINSIZE_BYTES);
}

/** An answer that is a number, handed over through memory. */
function storeNumber(call: Call, value: Reply): Reply {
  return typeof value === 'number' && value >= 0 ? call.storeInt(call.address(2), value) : value;
}

function fetchNumber(call: Call, use: (value: number) => Reply): Reply {
  const fetched = call.fetch(call.address(2), 4);
  return fetched === 0 ? use(call.view.getInt32(0, true)) : fetched;
}

function setNonblocking(call: Call, on: boolean): Reply {
  const flags = call.system.statusFlags(call.task, call.int(0), -1);
  if (flags < 0) return flags;
  const kept = flags & OpenFlag.APPEND;
  return Math.min(0, call.system.statusFlags(call.task, call.int(0), on ? kept | OpenFlag.NONBLOCK : kept));
}

/** Output is never held back and there is nothing to break: these only check that it is a terminal. */
const terminalOnly = (call: Call): Reply => Math.min(0, call.system.terminalGet(call.task, call.int(0), call.termios));

function ioctl(call: Call): Reply {
  const { system, task } = call;
  const fd = call.int(0);
  switch (call.unsigned(1)) {
    case Request.TCGETS:
      return getSettings(call, false);
    case Request.TCGETS2:
      return getSettings(call, true);
    case Request.TCSETS:
    case Request.TCSETSW:
    case Request.TCSETSF:
      return setSettings(call, false, call.unsigned(1) - Request.TCSETS);
    case Request.TCSETS2:
    case Request.TCSETSW2:
    case Request.TCSETSF2:
      return setSettings(call, true, call.unsigned(1) - Request.TCSETS2);
    case Request.TCSBRK:
    case Request.TCXONC:
    case Request.TCFLSH:
      return terminalOnly(call);
    case Request.TIOCSCTTY:
      return system.setControllingTerminal(task, fd);
    case Request.TIOCNOTTY:
      return terminalOnly(call);
    case Request.TIOCGPGRP:
      return storeNumber(call, system.terminalForeground(task, fd));
    case Request.TIOCSPGRP:
      return fetchNumber(call, (group) => system.setTerminalForeground(task, fd, group));
    case Request.TIOCGSID: {
      const terminal = terminalOnly(call);
      return terminal === 0 ? storeNumber(call, system.session(task, 0)) : terminal;
    }
    case Request.TIOCGWINSZ:
      return windowSize(call, false);
    case Request.TIOCSWINSZ:
      return windowSize(call, true);
    case Request.FIONREAD:
      return storeNumber(call, system.available(task, fd));
    case Request.FIONBIO:
      return fetchNumber(call, (on) => setNonblocking(call, on !== 0));
    case Request.FIOCLEX:
    case Request.FIONCLEX:
      return Math.min(0, system.descriptorFlags(task, fd, call.unsigned(1) === Request.FIOCLEX ? 1 : 0));
    default: {
      const known = system.descriptorFlags(task, fd, -1);
      return known < 0 ? known : -Errno.ENOTTY;
    }
  }
}

export const TERMINAL_CALLS: readonly Syscall[] = [
  row(29, 'ioctl', 'int fd, unsigned int request, unsigned long argument', ioctl, 'restart'),
];
