import type { ClockName, EventKey, Events, Instant, Machine, MemoryAccount, Plain, Result } from '@ashlar/hardware';
import { Errno } from '@ashlar/hardware';
import type { Caller, Directories, ProcessView, UnixHost } from '../host.ts';
import type { Terminal } from '../terminal-device.ts';
import { WaitQueue } from '../wait-queue.ts';

/** A host for unit tests of files and terminals: time stands where the test puts it, signals are noted. */
export class FakeHost implements UnixHost {
  readonly now: Instant = { sec: 1000, nsec: 0 };
  readonly signals: [group: number, signal: number][] = [];
  readonly account = new CountingAccount(65536);
  readonly views: ProcessView[] = [];
  /** What {@link background} answers. */
  backgroundAnswer = 0;
  readonly tasksMade = 1;
  readonly tasksRunnable = 1;
  readonly bootSec = 900;
  #tag = 0;
  #serial = 0;
  #key = 0;
  #fired = 0;
  readonly events: Events = {
    allocate: () => ++this.#key as EventKey,
    release: () => {},
    fire: () => {
      this.#fired++;
    },
    now: () => this.#fired,
    last: () => 0,
    onNext: () => {},
  };
  readonly machine = {
    shape: { vcpus: 1, isas: [], pages: 65536, devices: {}, virtualTime: true },
    memory: this.account,
    events: this.events,
    device: () => undefined,
    entropy: (to: Uint8Array) => to.fill(7),
  } as unknown as Machine;

  clock(_which: ClockName, out: Instant): void {
    out.sec = this.now.sec;
    out.nsec = this.now.nsec;
  }

  tag(): number {
    return ++this.#tag;
  }

  queue(): WaitQueue {
    return new WaitQueue(this.events, { woken: () => {}, allocated: () => {}, released: () => {} });
  }

  serial(): number {
    return ++this.#serial;
  }

  signalGroup(group: number, signal: number): Result {
    this.signals.push([group, signal]);
    return 0;
  }

  background(): Result {
    return this.backgroundAnswer;
  }

  fifo(): Result {
    return -Errno.ENXIO;
  }

  processes(): readonly ProcessView[] {
    return this.views;
  }

  process(pid: number): ProcessView | undefined {
    return this.views.find((view) => view.pid === pid);
  }
}

/** A memory account that counts. */
export class CountingAccount implements MemoryAccount {
  readonly limitPages: number;
  usedPages = 0;

  constructor(limitPages: number) {
    this.limitPages = limitPages;
  }

  charge(pages: number): Result {
    if (this.usedPages + pages > this.limitPages) return -Errno.ENOMEM;
    this.usedPages += pages;
    return 0;
  }

  sub(): Result {
    return -Errno.ENOMEM;
  }

  close(): void {}
}

/** Somebody who asks. */
export class FakeCaller implements Caller {
  readonly id: number = 1;
  readonly group: number = 1;
  progress: Plain | undefined = undefined;
  readonly directories: Directories;
  readonly credentials;
  processGroup = 1;
  session = 1;
  controllingTerminal: Terminal | undefined = undefined;
  signalled = false;

  constructor(directories: Directories, uid = 0, gid = 0) {
    this.directories = directories;
    this.credentials = { ruid: uid, euid: uid, suid: uid, rgid: gid, egid: gid, sgid: gid };
  }
}
