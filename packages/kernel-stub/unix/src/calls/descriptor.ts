import { Errno, type Reply, type Result } from '@ashlar/hardware';
import { OpenFlag, SYSTEM_LIMITS, type TaskSystem } from '@ashlar/kernel-stub';
import type { Core } from '../core.ts';
import { makePipe, PipeEnd } from '../pipe.ts';
import { Resource } from '../resource.ts';
import type { UnixTask } from '../task.ts';

type Names =
  | 'close'
  | 'duplicate'
  | 'duplicateTo'
  | 'descriptorFlags'
  | 'statusFlags'
  | 'closeRange'
  | 'pipe'
  | 'pipeCapacity'
  | 'available';

const FD_CLOEXEC = 1;
const CHANGEABLE = OpenFlag.APPEND | OpenFlag.NONBLOCK;
/** Flags that F_GETFL does not show. */
const CREATION = OpenFlag.CREATE | OpenFlag.EXCLUSIVE | OpenFlag.NO_TTY | OpenFlag.TRUNCATE | OpenFlag.CLOEXEC;

/** How many descriptors the task may have. */
export const descriptorLimit = (task: UnixTask): number => task.process.limits[Resource.NOFILE * 2] as number;

/** The `descriptor` group of TaskSystem, and close. */
export class DescriptorCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  close(task: UnixTask, fd: number): Reply {
    return task.descriptors.remove(fd) ? 0 : -Errno.EBADF;
  }

  duplicate(task: UnixTask, fd: number, least: number, closeOnExec: boolean): Result {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    const limit = descriptorLimit(task);
    if (least < 0 || least >= limit) return -Errno.EINVAL;
    const added = task.descriptors.add(description.hold(), least, closeOnExec, limit);
    if (added < 0) description.release();
    return added;
  }

  duplicateTo(task: UnixTask, fd: number, target: number, closeOnExec: boolean): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    if (target < 0 || target >= Math.min(descriptorLimit(task), SYSTEM_LIMITS.descriptors)) return -Errno.EBADF;
    if (target !== fd) task.descriptors.set(target, description.hold(), closeOnExec);
    return target;
  }

  descriptorFlags(task: UnixTask, fd: number, set: number): Result {
    if (task.descriptors.get(fd) === undefined) return -Errno.EBADF;
    if (set >= 0) task.descriptors.setCloseOnExec(fd, (set & FD_CLOEXEC) !== 0);
    return task.descriptors.closeOnExec(fd) ? FD_CLOEXEC : 0;
  }

  statusFlags(task: UnixTask, fd: number, set: number): Result {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    if (set >= 0) description.flags = (description.flags & ~CHANGEABLE) | (set & CHANGEABLE);
    return description.flags & ~CREATION;
  }

  closeRange(task: UnixTask, first: number, last: number, onlyMark: boolean): Result {
    if (first > last || first < 0) return -Errno.EINVAL;
    for (const fd of task.descriptors.open()) {
      if (fd < first || fd > last) continue;
      if (onlyMark) task.descriptors.setCloseOnExec(fd, true);
      else task.descriptors.remove(fd);
    }
    return 0;
  }

  pipe(task: UnixTask, flags: number): Result {
    if ((flags & ~(OpenFlag.CLOEXEC | OpenFlag.NONBLOCK | 0o40000)) !== 0) return -Errno.EINVAL;
    const { reader, writer } = makePipe(this.#core.serial(), () => this.#core.queue(), flags);
    const closeOnExec = (flags & OpenFlag.CLOEXEC) !== 0;
    const limit = descriptorLimit(task);
    const first = task.descriptors.add(reader, 0, closeOnExec, limit);
    const second = first < 0 ? first : task.descriptors.add(writer, 0, closeOnExec, limit);
    if (second < 0) {
      if (first >= 0) task.descriptors.remove(first);
      else reader.release();
      writer.release();
      return second;
    }
    task.values[0] = first;
    task.values[1] = second;
    return 0;
  }

  pipeCapacity(task: UnixTask, fd: number, set: number): Result {
    const description = task.descriptors.get(fd);
    if (!(description instanceof PipeEnd)) return -Errno.EBADF;
    const reply = set < 0 ? 0 : description.pipe.resize(set);
    return reply < 0 ? reply : description.pipe.capacity;
  }

  available(task: UnixTask, fd: number): Result {
    const description = task.descriptors.get(fd);
    return description === undefined ? -Errno.EBADF : description.available(task);
  }
}
