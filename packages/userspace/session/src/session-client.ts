import { type Channel, Errno, FRAME_BYTES_MAX } from '@ashlar/hardware';
import { OpenFlag, type SpawnSpec } from '@ashlar/kernel-stub';
import type { FileStatus, GuestProcess, Session } from '@ashlar/userspace';
import { ClientProcess } from './client-process.ts';
import { type Field, Fields, FrameWriter, MalformedFrame } from './frame.ts';
import { Operation, SESSION_LIMITS, SESSION_PROTOCOL } from './protocol.ts';
import { SessionFailure } from './session-error.ts';

const INTEGER_MAX = Number.MAX_SAFE_INTEGER;
const MODE_MASK = 0o7777;

/** What the server would hang up about is the caller's error here. */
function checkedPath(what: string, path: string): string {
  if (path.includes('\0')) throw new SessionFailure(what, Errno.EINVAL);
  if (path.length > SESSION_LIMITS.pathBytes) throw new SessionFailure(what, Errno.ENAMETOOLONG);
  return path;
}

interface Request {
  readonly what: string;
  readonly answered: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly result: number;
  /** The rest of the reply. */
  readonly fields: Fields;
}

/**
 * Programs and files of one domain, over a channel to its `session` service. Needs nothing but web streams, so it works in a browser as in Node.
 * When the channel ends, everything outstanding rejects with ECONNRESET.
 */
export class SessionClient implements Session {
  readonly #channel: Channel;
  readonly #frames = new FrameWriter();
  readonly #requests = new Map<number, Request>();
  readonly #processes = new Map<number, ClientProcess>();
  /** Frames that wait until the channel drains. */
  readonly #unsent: Uint8Array[] = [];
  /** Requests that wait until fewer are outstanding. */
  readonly #waiting: (() => void)[] = [];
  #nextId = 1;
  #writable = true;
  #ended: number | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.receive(
      (frame) => this.#received(frame),
      () => this.#drained(),
      (errno) => this.#end(errno),
    );
    this.#send(Operation.HELLO, SESSION_PROTOCOL);
  }

  async run(spec: SpawnSpec): Promise<GuestProcess> {
    const env = Object.entries(spec.env).flat();
    const { argv, cwd, tty, columns = 0, rows = 0 } = spec;
    const what = `run ${argv[0] ?? ''}`;
    if ([...argv, ...env, cwd].some((string) => string.includes('\0'))) throw new SessionFailure(what, Errno.EINVAL);
    const fields = [[...argv], env, checkedPath(what, cwd), tty, columns, rows];
    return this.#askFor((answer) => this.#process(answer), what, Operation.RUN, ...fields);
  }

  /**
   * The streams of a process that another session started: after a domain was restored, or its client went away with the domain saved.
   * Rejects with ESRCH, or EBUSY while another session has it.
   */
  async attach(pid: number): Promise<GuestProcess> {
    return this.#askFor((answer) => this.#process(answer), `attach to process ${pid}`, Operation.ATTACH, pid);
  }

  /** Pids of the processes that sessions of this domain started and that are not finished with. */
  async processes(): Promise<readonly number[]> {
    const { fields } = await this.#ask('processes', Operation.PROCESSES);
    return fields.list('processes', SESSION_LIMITS.processes).map(Number);
  }

  read(path: string): ReadableStream<Uint8Array> {
    const what = `read ${path}`;
    let handle: number | undefined;
    let at = 0;
    const close = async (): Promise<void> => {
      if (handle !== undefined) await this.#ask(what, Operation.CLOSE, handle);
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          handle ??= (await this.#ask(what, Operation.OPEN, checkedPath(what, path), OpenFlag.READ_ONLY, 0)).result;
          const { result, fields } = await this.#ask(what, Operation.READ, handle, at, SESSION_LIMITS.fileBytes);
          at += result;
          if (result > 0) return controller.enqueue(fields.bytes('bytes', SESSION_LIMITS.fileBytes));
          await close();
          controller.close();
        },
        cancel: close,
      },
      { highWaterMark: 1 },
    );
  }

  write(path: string, mode: number): WritableStream<Uint8Array> {
    const what = `write ${path}`;
    const flags = OpenFlag.WRITE_ONLY | OpenFlag.CREATE | OpenFlag.TRUNCATE;
    let handle = -1;
    let at = 0;
    const close = async (): Promise<void> => {
      if (handle >= 0) await this.#ask(what, Operation.CLOSE, handle);
    };
    return new WritableStream<Uint8Array>({
      start: async () => {
        handle = (await this.#ask(what, Operation.OPEN, checkedPath(what, path), flags, mode & MODE_MASK)).result;
      },
      write: async (chunk) => {
        for (let done = 0; done < chunk.length; ) {
          const part = chunk.subarray(done, done + SESSION_LIMITS.fileBytes);
          const { result } = await this.#ask(what, Operation.WRITE, handle, at, part);
          if (result === 0) throw new SessionFailure(what, Errno.ENOSPC);
          done += result;
          at += result;
        }
      },
      close,
      abort: close,
    });
  }

  async list(path: string): Promise<readonly { readonly name: string; readonly type: number }[]> {
    const what = `list ${path}`;
    const entries: { name: string; type: number }[] = [];
    for (;;) {
      const { fields } = await this.#ask(what, Operation.LIST, checkedPath(what, path), entries.length);
      const more = fields.list('entries', SESSION_LIMITS.strings) as readonly (readonly [name: string, type: number])[];
      if (more.length === 0) return entries;
      for (const [name, type] of more) entries.push({ name, type });
    }
  }

  async stat(path: string): Promise<FileStatus> {
    const what = `stat ${path}`;
    const { fields } = await this.#ask(what, Operation.STAT, checkedPath(what, path));
    const [mode = 0, size = 0, sec = 0, nsec = 0] = fields.list('status', 4).map(Number);
    return { mode, size, mtimeMs: sec * 1000 + nsec / 1e6 };
  }

  async mkdir(path: string, mode: number): Promise<void> {
    const what = `mkdir ${path}`;
    await this.#ask(what, Operation.MKDIR, checkedPath(what, path), mode & MODE_MASK);
  }

  async remove(path: string): Promise<void> {
    const what = `remove ${path}`;
    await this.#ask(what, Operation.REMOVE, checkedPath(what, path));
  }

  /** Ends the programs that this session started. */
  async close(): Promise<void> {
    this.#channel.close(0);
    this.#end(0);
  }

  // ───── frames ─────

  #process({ result: pid }: Answer): GuestProcess {
    const request = async (what: string, operation: number, ...fields: readonly Field[]): Promise<void> => {
      await this.#ask(what, operation, pid, ...fields);
    };
    const process = new ClientProcess(pid, {
      send: (...fields) => this.#send(...fields),
      request,
      finished: () => this.#processes.delete(pid),
    });
    this.#processes.set(pid, process);
    if (this.#ended !== undefined) process.lost();
    return process;
  }

  /** One request; rejects with the errno of a negative result. */
  #ask(what: string, operation: number, ...fields: readonly Field[]): Promise<Answer> {
    return this.#askFor((answer) => answer, what, operation, ...fields);
  }

  /** `take` sees the answer at once: frames about a new process may follow it immediately. */
  async #askFor<T>(take: (answer: Answer) => T, what: string, operation: number, ...fields: readonly Field[]): Promise<T> {
    while (this.#requests.size >= SESSION_LIMITS.requests && this.#ended === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#ended !== undefined) throw new SessionFailure(what, Errno.ECONNRESET);
    const id = this.#nextId++;
    const frame = this.#frames.write(operation, id, ...fields);
    if (frame.length > FRAME_BYTES_MAX) throw new SessionFailure(what, Errno.E2BIG);
    return new Promise<T>((resolve, reject) => {
      this.#requests.set(id, { what, answered: (answer) => resolve(take(answer)), reject });
      this.#sendFrame(frame);
    });
  }

  #send(...fields: readonly Field[]): void {
    this.#sendFrame(this.#frames.write(...fields));
  }

  #sendFrame(frame: Uint8Array): void {
    if (this.#ended !== undefined) return;
    if (this.#writable) this.#writable = this.#channel.send(frame);
    else this.#unsent.push(frame.slice());
  }

  #drained(): void {
    this.#writable = true;
    while (this.#writable) {
      const frame = this.#unsent.shift();
      if (frame === undefined) return;
      this.#writable = this.#channel.send(frame);
    }
  }

  #received(frame: Uint8Array): void {
    // The channel takes its bytes back when this returns, and decoded fields point into them: whoever holds on to some copies them.
    try {
      this.#handle(Fields.of(frame));
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#channel.close(-Errno.EBADMSG);
      this.#end(-Errno.EBADMSG);
    }
  }

  #handle(fields: Fields): void {
    const operation = fields.integer('operation', 1, 255);
    if (operation === Operation.WELCOME) {
      const version = fields.integer('version', 0, INTEGER_MAX);
      if (version !== SESSION_PROTOCOL) throw new MalformedFrame(`the server speaks version ${version}, this is ${SESSION_PROTOCOL}`);
      return;
    }
    if (operation === Operation.REPLY) {
      this.#answered(fields);
      return;
    }
    const process = this.#processes.get(fields.integer('pid', 1, INTEGER_MAX));
    switch (operation) {
      case Operation.OUTPUT:
        process?.output(fields.integer('fd', 1, 2), fields.bytes('output', SESSION_LIMITS.chunkBytes));
        break;
      case Operation.INPUT_CREDIT:
        process?.inputCredit(fields.integer('credit', 1, SESSION_LIMITS.inputBytes));
        break;
      case Operation.INPUT_CLOSED:
        process?.inputClosed(fields.integer('errno', -INTEGER_MAX, 0));
        break;
      case Operation.EXIT:
        process?.exited(
          fields.integer('code', 0, 255),
          fields.integer('signal', 0, 255),
          fields.text('refused operation', SESSION_LIMITS.operationBytes),
        );
        break;
      default:
        throw new MalformedFrame(`operation ${operation} is unknown`);
    }
  }

  #answered(fields: Fields): void {
    const id = fields.integer('id', 1, INTEGER_MAX);
    const result = fields.integer('result', -INTEGER_MAX, INTEGER_MAX);
    const request = this.#requests.get(id);
    if (request === undefined) throw new MalformedFrame(`an answer to request ${id}, which was not asked`);
    this.#requests.delete(id);
    this.#waiting.shift()?.();
    if (result < 0) request.reject(new SessionFailure(request.what, result));
    else request.answered({ result, fields: fields.rest() });
  }

  #end(errno: number): void {
    if (this.#ended !== undefined) return;
    this.#ended = errno;
    this.#unsent.length = 0;
    for (const { what, reject } of this.#requests.values()) reject(new SessionFailure(what, Errno.ECONNRESET));
    this.#requests.clear();
    for (const wake of this.#waiting.splice(0)) wake();
    for (const process of [...this.#processes.values()]) process.lost();
    this.#processes.clear();
  }
}
