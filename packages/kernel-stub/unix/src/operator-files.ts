import { Errno, FileType, type Instant, type Plain, type Reply, type Result } from '@ashlar/hardware';
import { AtFlag, OpenFlag, type OperatorFiles } from '@ashlar/kernel-stub';
import type { Core } from './core.ts';
import type { Description } from './description.ts';
import { BytesIo } from './io.ts';
import { OperatorCaller } from './operator-caller.ts';
import { emptyStatus } from './task.ts';

/** Open handles, and path requests under way. */
const HANDLES_MAX = 1024;
/** Entries of one `list`. */
const LIST_MAX = 256;
const TYPE_SHIFT = 12;

/** Files from outside: the operator's handles, and paths as init sees them. */
export class UnixOperatorFiles implements OperatorFiles {
  readonly #core: Core;
  readonly handles = new Map<number, Description>();
  lastHandle = 0;
  /** Requests that wait for a device, by operation and path: asked again, they find their progress here. */
  readonly #callers = new Map<string, OperatorCaller>();
  readonly #status = emptyStatus();

  constructor(core: Core) {
    this.#core = core;
  }

  open(path: string, flags: number, mode: number): Reply {
    if (this.handles.size >= HANDLES_MAX) return -Errno.EMFILE;
    return this.#ask(`open ${flags} ${mode} ${path}`, (caller) => {
      const opened = this.#core.files.open(caller, caller.directories.root, encode(path), flags | OpenFlag.NONBLOCK, mode);
      if (typeof opened === 'number' || 'on' in opened) return opened;
      this.handles.set(++this.lastHandle, opened);
      return this.lastHandle;
    });
  }

  read(handle: number, at: number, to: Uint8Array): Reply {
    const description = this.handles.get(handle);
    if (description === undefined || !description.readable) return -Errno.EBADF;
    return this.#ask(`read ${handle}`, (caller) => description.readAt(caller, at, new BytesIo(to)));
  }

  write(handle: number, at: number, from: Uint8Array): Reply {
    const description = this.handles.get(handle);
    if (description === undefined || !description.writable) return -Errno.EBADF;
    return this.#ask(`write ${handle}`, (caller) => description.writeAt(caller, at, new BytesIo(from)));
  }

  close(handle: number): Result {
    const description = this.handles.get(handle);
    if (description === undefined) return -Errno.EBADF;
    this.handles.delete(handle);
    description.release();
    return 0;
  }

  list(path: string, skip: number, out: { name: string; type: number }[]): Reply {
    return this.#ask(`list ${path}`, (caller) => {
      const flags = OpenFlag.DIRECTORY | OpenFlag.READ_ONLY;
      const opened = this.#core.files.open(caller, caller.directories.root, encode(path), flags, 0);
      if (typeof opened === 'number' || 'on' in opened) return opened;
      const reply = this.#entries(caller, opened, skip, out);
      opened.release();
      return reply;
    });
  }

  stat(path: string, out: { mode: number; size: number; mtime: Instant }): Reply {
    return this.#ask(`stat ${path}`, (caller) => {
      const reply = this.#core.files.stat(caller, caller.directories.root, encode(path), 0, this.#status);
      if (reply !== 0) return reply;
      out.mode = this.#status.mode;
      out.size = this.#status.size;
      out.mtime.sec = this.#status.mtime.sec;
      out.mtime.nsec = this.#status.mtime.nsec;
      return 0;
    });
  }

  mkdir(path: string, mode: number): Reply {
    return this.#ask(`mkdir ${path}`, (caller) => this.#core.files.mkdir(caller, caller.directories.root, encode(path), mode));
  }

  remove(path: string): Reply {
    const file = this.#ask(`unlink ${path}`, (caller) => this.#core.files.unlink(caller, caller.directories.root, encode(path), 0));
    if (file !== -Errno.EISDIR && file !== -Errno.EPERM) return file;
    return this.#ask(`rmdir ${path}`, (caller) =>
      this.#core.files.unlink(caller, caller.directories.root, encode(path), AtFlag.REMOVE_DIRECTORY),
    );
  }

  saveCallers(): Plain {
    return [...this.#callers]
      .filter(([, caller]) => caller.progress !== undefined)
      .map(([key, { progress }]) => ({ key, progress: progress as Plain }));
  }

  restore(saved: { readonly [key: string]: Plain }, descriptions: readonly Description[]): void {
    this.lastHandle = saved.lastHandle as number;
    for (const [handle, number] of saved.handles as unknown as readonly (readonly [number, number])[]) {
      this.handles.set(handle, (descriptions[number] as Description).hold());
    }
    for (const { key, progress } of saved.fileCallers as unknown as readonly { key: string; progress: Plain }[]) {
      const caller = new OperatorCaller(this.#core);
      caller.progress = progress;
      this.#callers.set(key, caller);
    }
  }

  /** Asks with the caller of the same request, if it was asked before and waits. */
  #ask(key: string, request: (caller: OperatorCaller) => Reply): Reply {
    const known = this.#callers.get(key);
    if (known === undefined && this.#callers.size >= HANDLES_MAX) return -Errno.EAGAIN;
    const caller = known ?? new OperatorCaller(this.#core);
    const reply = request(caller);
    if (typeof reply !== 'number') {
      this.#callers.set(key, caller);
      return reply;
    }
    this.#callers.delete(key);
    caller.close();
    return reply;
  }

  #entries(caller: OperatorCaller, directory: Description, skip: number, out: { name: string; type: number }[]): Reply {
    const decoder = new TextDecoder();
    const found: { name: string; type: number }[] = [];
    let seen = 0;
    const sink = {
      entry(name: Uint8Array, _node: number, type: number): boolean {
        const text = decoder.decode(name);
        if (text !== '.' && text !== '..' && seen++ >= skip && found.length < LIST_MAX) found.push({ name: text, type: kindOf(type) });
        return true;
      },
    };
    for (;;) {
      const reply = directory.readdir(caller, sink);
      if (typeof reply !== 'number' || reply < 0) return reply;
      if (reply === 0 || found.length >= LIST_MAX) break;
    }
    out.push(...found);
    return 0;
  }
}

const encode = (path: string): Uint8Array => new TextEncoder().encode(path);

/** Sinks are given mode >> 12; a full mode is accepted as well. */
const kindOf = (type: number): number => (type > FileType.MASK >> TYPE_SHIFT ? type >> TYPE_SHIFT : type);
