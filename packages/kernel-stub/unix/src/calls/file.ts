import { type AttributeChange, Errno, type Reply } from '@ashlar/hardware';
import { type DirectorySink, type Io, OpenFlag, SYSTEM_LIMITS, type TaskSystem } from '@ashlar/kernel-stub';
import { copyProgress } from '../copy-progress.ts';
import type { Core } from '../core.ts';
import type { Description } from '../description.ts';
import { BytesIo } from '../io.ts';
import { kernelSignal } from '../signaling.ts';
import { Signal, SignalCode } from '../signals.ts';
import type { UnixTask } from '../task.ts';

type Names =
  | 'read'
  | 'write'
  | 'readAt'
  | 'writeAt'
  | 'copy'
  | 'seek'
  | 'truncate'
  | 'allocate'
  | 'stat'
  | 'setAttributes'
  | 'readdir'
  | 'sync'
  | 'statfs'
  | 'lock';

/** Bytes that `copy` moves at once. */
const COPY_BYTES = 65_536;
/** Where what `copy` moves lies for the time of one call. */
const copyBuffer = new Uint8Array(COPY_BYTES);
const copyIo = new BytesIo(copyBuffer);

/** Operations of the `file` group on an open descriptor. */
export class FileCalls implements Pick<TaskSystem, Names> {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  read(task: UnixTask, fd: number, io: Io): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || !description.readable || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    const reply = description.read(task, io);
    if (typeof reply !== 'number') task.interruptible = description.interruptible;
    else if (reply > 0) this.#core.work += reply;
    return reply;
  }

  write(task: UnixTask, fd: number, io: Io): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || !description.writable || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    const reply = description.write(task, io);
    if (typeof reply !== 'number') task.interruptible = description.interruptible;
    else if (reply > 0) this.#core.work += reply;
    else if (reply === -Errno.EPIPE && description.signalsPipe) this.#brokenPipe(task);
    return reply;
  }

  readAt(task: UnixTask, fd: number, at: number, io: Io): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || !description.readable || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    if (at < 0) return -Errno.EINVAL;
    return this.#moved(task, description.readAt(task, at, io));
  }

  writeAt(task: UnixTask, fd: number, at: number, io: Io): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || !description.writable || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    if (at < 0) return -Errno.EINVAL;
    return this.#moved(task, description.writeAt(task, at, io));
  }

  /**
   * Piece by piece. Reading is positioned, and the source's own position moves only by what was written. A wait may come when the target has taken
   * part of a piece, so what is copied is kept with what the target keeps of that, and the same piece goes on. A source without positions (a pipe)
   * is refused, as sendfile(2) does.
   */
  copy(task: UnixTask, from: number, fromAt: number, to: number, toAt: number, bytes: number): Reply {
    const source = task.descriptors.get(from);
    const target = task.descriptors.get(to);
    if (source === undefined || target === undefined || !source.readable || !target.writable) return -Errno.EBADF;
    const wanted = Math.min(bytes, SYSTEM_LIMITS.ioBytes);
    if (source.seek(task, 0, 1) === -Errno.ESPIPE) return -Errno.EINVAL;
    const known = copyProgress(task.progress);
    if (known !== undefined) task.progress = known.piece ?? undefined;
    let copied = known?.copied ?? 0;
    while (copied < wanted) {
      const reply = this.#copyPiece(
        task,
        source,
        fromAt < 0 ? -1 : fromAt + copied,
        target,
        toAt < 0 ? -1 : toAt + copied,
        wanted - copied,
      );
      if (typeof reply !== 'number') {
        if (copied === 0) return reply;
        if (task.signalled && task.interruptible) return copied;
        task.progress = { copied, piece: task.progress ?? null };
        return reply;
      }
      if (reply <= 0) return copied > 0 ? copied : reply;
      copied += reply;
      this.#core.work += reply;
      if (reply < COPY_BYTES) break;
    }
    return copied;
  }

  seek(task: UnixTask, fd: number, offset: number, whence: number): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    return this.#fromDevice(task, description.seek(task, offset, whence));
  }

  truncate(task: UnixTask, fd: number, size: number): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined) return -Errno.EBADF;
    if (size < 0 || !description.writable) return -Errno.EINVAL;
    return this.#fromDevice(task, description.truncate(task, size));
  }

  allocate(task: UnixTask, fd: number, mode: number, at: number, bytes: number): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || !description.writable) return -Errno.EBADF;
    if (at < 0 || bytes <= 0) return -Errno.EINVAL;
    if (mode !== 0) return -Errno.EOPNOTSUPP;
    return this.#fromDevice(task, description.allocate(task, mode, at, bytes));
  }

  stat(task: UnixTask, fd: number): Reply {
    const description = task.descriptors.get(fd);
    return description === undefined ? -Errno.EBADF : this.#fromDevice(task, description.stat(task, task.stat));
  }

  setAttributes(task: UnixTask, fd: number, change: AttributeChange): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    return this.#fromDevice(task, description.setAttributes(task, change));
  }

  readdir(task: UnixTask, fd: number, sink: DirectorySink): Reply {
    const description = task.descriptors.get(fd);
    if (description === undefined || (description.flags & OpenFlag.PATH) !== 0) return -Errno.EBADF;
    return this.#fromDevice(task, description.readdir(task, sink));
  }

  sync(task: UnixTask, fd: number): Reply {
    const description = task.descriptors.get(fd);
    return description === undefined ? -Errno.EBADF : this.#fromDevice(task, description.sync(task));
  }

  statfs(task: UnixTask, fd: number): Reply {
    const description = task.descriptors.get(fd);
    return description === undefined ? -Errno.EBADF : this.#fromDevice(task, description.statfs(task, task.values));
  }

  lock(task: UnixTask, fd: number, operation: number): Reply {
    const description = task.descriptors.get(fd);
    return description === undefined ? -Errno.EBADF : this.#core.locks.lock(description, operation);
  }

  #copyPiece(task: UnixTask, source: Description, fromAt: number, target: Description, toAt: number, bytes: number): Reply {
    const at = fromAt >= 0 ? fromAt : source.seek(task, 0, 1);
    if (typeof at !== 'number') return this.#fromDevice(task, at);
    if (at < 0) return at;
    copyIo.reset(copyBuffer.subarray(0, Math.min(bytes, COPY_BYTES)));
    const count = source.readAt(task, at, copyIo);
    if (typeof count !== 'number') return this.#waits(task, source, count);
    if (count <= 0) return count;
    copyIo.reset(copyBuffer.subarray(0, count));
    const written = toAt >= 0 ? target.writeAt(task, toAt, copyIo) : target.write(task, copyIo);
    if (typeof written !== 'number') return this.#waits(task, target, written);
    if (written === -Errno.EPIPE && target.signalsPipe) this.#brokenPipe(task);
    if (written > 0 && fromAt < 0) source.seek(task, at + written, 0);
    return written;
  }

  #waits(task: UnixTask, on: Description, reply: Reply): Reply {
    task.interruptible = on.interruptible;
    return reply;
  }

  #moved(task: UnixTask, reply: Reply): Reply {
    if (typeof reply === 'number') this.#core.work += Math.max(0, reply);
    return this.#fromDevice(task, reply);
  }

  #fromDevice(task: UnixTask, reply: Reply): Reply {
    if (typeof reply !== 'number') task.interruptible = false;
    return reply;
  }

  #brokenPipe(task: UnixTask): void {
    this.#core.signals.sendThread(task, { ...kernelSignal(Signal.PIPE, SignalCode.USER), pid: task.group });
  }
}
