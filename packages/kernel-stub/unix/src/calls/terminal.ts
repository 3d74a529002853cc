import { Errno, type Reply, type Result } from '@ashlar/hardware';
import type { TaskSystem, Termios } from '@ashlar/kernel-stub';
import { background } from '../background.ts';
import type { Core } from '../core.ts';
import { Signal } from '../signals.ts';
import type { UnixTask } from '../task.ts';
import type { Terminal } from '../terminal-device.ts';

type Names = 'terminalGet' | 'terminalSet' | 'terminalSize' | 'terminalForeground' | 'setTerminalForeground' | 'setControllingTerminal';

/** The `terminal` group of TaskSystem. */
export class TerminalCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  terminalGet(task: UnixTask, fd: number, out: Termios): Result {
    const terminal = this.#terminal(task, fd);
    return typeof terminal === 'number' ? terminal : terminal.getSettings(out);
  }

  terminalSet(task: UnixTask, fd: number, next: Termios, when: number): Reply {
    const terminal = this.#terminal(task, fd);
    if (typeof terminal === 'number') return terminal;
    const allowed = this.#fromForeground(task, terminal);
    return allowed < 0 ? allowed : terminal.setSettings(task, next, when);
  }

  terminalSize(task: UnixTask, fd: number, set: { columns: number; rows: number } | undefined): Result {
    const terminal = this.#terminal(task, fd);
    if (typeof terminal === 'number') return terminal;
    if (set !== undefined) {
      const reply = terminal.resize(set.columns, set.rows);
      if (reply < 0) return reply;
    }
    task.values[0] = terminal.columns;
    task.values[1] = terminal.rows;
    return 0;
  }

  terminalForeground(task: UnixTask, fd: number): Result {
    const terminal = this.#terminal(task, fd);
    if (typeof terminal === 'number') return terminal;
    if (task.controllingTerminal !== terminal) return -Errno.ENOTTY;
    // A group number that no process has, when there is none (tcgetpgrp(3)).
    return terminal.foreground === 0 ? 0x7fff_ffff : terminal.foreground;
  }

  setTerminalForeground(task: UnixTask, fd: number, group: number): Result {
    const terminal = this.#terminal(task, fd);
    if (typeof terminal === 'number') return terminal;
    if (task.controllingTerminal !== terminal || terminal.session !== task.session) return -Errno.ENOTTY;
    if (group < 0) return -Errno.EINVAL;
    const allowed = this.#fromForeground(task, terminal);
    if (allowed < 0) return allowed;
    for (const process of this.#core.processes.values()) {
      if (process.processGroup !== group || process.zombie) continue;
      if (process.session !== task.session) return -Errno.EPERM;
      terminal.foreground = group;
      return 0;
    }
    return -Errno.EPERM;
  }

  setControllingTerminal(task: UnixTask, fd: number): Result {
    const terminal = this.#terminal(task, fd);
    if (typeof terminal === 'number') return terminal;
    if (task.controllingTerminal === terminal) return 0;
    if (task.session !== task.group || task.controllingTerminal !== undefined || terminal.session !== 0) return -Errno.EPERM;
    attachTerminal(this.#core, task.process.session, terminal);
    terminal.foreground = task.processGroup;
    return 0;
  }

  #fromForeground(task: UnixTask, terminal: Terminal): Result {
    if (task.controllingTerminal !== terminal || terminal.foreground === task.processGroup || terminal.foreground === 0) return 0;
    return background(this.#core, task, Signal.TTOU);
  }

  #terminal(task: UnixTask, fd: number): Terminal | Result {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    return description.terminal() ?? -Errno.ENOTTY;
  }
}

/** The terminal becomes the controlling one of a session. */
export function attachTerminal(core: Core, session: number, terminal: Terminal): void {
  terminal.session = session;
  for (const process of core.processes.values()) if (process.session === session) process.controllingTerminal = terminal;
}
