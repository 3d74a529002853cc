import { Errno, type PartReader, type PartWriter, type Reply, type Result, type Step } from '@ashlar/hardware';
import type { KernelStub, System } from '@ashlar/kernel-stub';

const refused = (): Result => -Errno.ENOSYS;

/** Runs no program: asked to start one, it waits for an event that never comes. */
const IDLE_SYSTEM: System = {
  features: new Set(),
  tasks: undefined,
  nativeAbis: [],
  spawn: () => ({ on: [] }),
  signal: refused,
  wait: refused,
  release: () => undefined,
  stdio: () => undefined,
  resize: refused,
  files: {
    open: refused,
    read: refused,
    write: refused,
    close: refused,
    list: refused,
    stat: refused,
    mkdir: refused,
    remove: refused,
  },
};

/** The least that a kernel stub can be; those that misbehave are made of it. */
export class IdleKernel implements KernelStub {
  readonly schema = 'idle/1';
  readonly system = IDLE_SYSTEM;

  install(): void {}

  step(): Step {
    return { used: 0, wait: { on: [] } };
  }

  serve(): Result {
    return refused();
  }

  stop(): Reply {
    return 0;
  }

  save(_out: PartWriter): Reply {
    return 0;
  }

  restore(_part: PartReader): Reply {
    return 0;
  }
}
