import { Errno, type Result } from '@ashlar/hardware';
import type { Core } from './core.ts';
import type { Caller } from './host.ts';
import { kernelSignal } from './signaling.ts';
import { highBit, IGNORE_HANDLER, lowBit, Signal } from './signals.ts';

/** See UnixHost.background: what becomes of a background process that touches its terminal (POSIX.1-2024 §11.1.4). */
export function background(core: Core, caller: Caller, signal: number): Result {
  const task = core.tasks.get(caller.id);
  if (task === undefined) return 0;
  const blocked = ((task.maskLow & lowBit(signal)) | (task.maskHigh & highBit(signal))) !== 0;
  const ignored = blocked || task.actions.of(signal).handler === IGNORE_HANDLER;
  if (ignored) return signal === Signal.TTIN ? -Errno.EIO : 0;
  if (core.signals.orphaned(task.processGroup)) return -Errno.EIO;
  core.signals.sendGroup(task.processGroup, kernelSignal(signal));
  return -Errno.EINTR;
}
