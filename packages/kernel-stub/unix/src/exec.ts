import { type Context, type Cpu, Errno, type Plain, type Reply } from '@ashlar/hardware';
import { type LoadedProgram, type Personality, type ProgramFile, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import type { Core } from './core.ts';
import type { Executable } from './files.ts';
import type { Caller } from './host.ts';
import { Loading } from './loading.ts';
import { Memory, ProgramHold } from './memory.ts';
import type { Place } from './place.ts';
import type { UnixTask } from './task.ts';

/** Bytes of a file by which personalities and `#!` are recognised. */
const HEAD_BYTES = 256;
/** Longest single argument or environment string, as Linux's MAX_ARG_STRLEN. */
const STRING_BYTES_MAX = 131_072;
/** Scripts whose interpreter is a script, at most. */
const SCRIPT_LEVELS = 4;
/** Files that a loader opens beside the program itself. */
const INTERPRETERS_MAX = 4;
const NAME_BYTES = 15;

const HASH = 0x23;
const BANG = 0x21;
const SLASH = 0x2f;
const NEWLINE = 0x0a;

/** What to execute. */
export interface ExecRequest {
  readonly dir: Place;
  readonly path: Uint8Array;
  /** The path as a script's interpreter and AT_EXECFN see it. */
  readonly shown: Uint8Array;
  readonly argv: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  readonly flags: number;
}

/** A program ready to run that nobody owns yet. */
export interface Image {
  readonly context: Context;
  readonly memory: Memory;
  readonly cpu: Cpu;
  readonly personality: Personality;
  readonly program: ProgramHold;
  readonly argv: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  readonly name: Uint8Array;
}

/** A further file that a loader asked for. */
interface Opened {
  readonly file: Executable;
  readonly hold: ProgramHold;
}

/** The interpreter line of a script (execve(2), "Interpreter scripts"), or undefined if the head is none. */
export function scriptLine(head: Uint8Array): { interpreter: Uint8Array; argument: Uint8Array | undefined } | undefined {
  if (head[0] !== HASH || head[1] !== BANG) return undefined;
  const end = head.indexOf(NEWLINE, 2);
  const text = head.subarray(2, end < 0 ? head.length : end);
  const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;
  let from = 0;
  while (from < text.length && isBlank(text[from])) from++;
  let to = from;
  while (to < text.length && !isBlank(text[to]) && text[to] !== 0) to++;
  let rest = to;
  while (rest < text.length && isBlank(text[rest])) rest++;
  let last = text.length;
  while (last > rest && isBlank(text[last - 1])) last--;
  return { interpreter: text.slice(from, to), argument: last > rest ? text.slice(rest, last) : undefined };
}

/** The program's name as ps shows it: the last component of its path. */
export function programName(path: Uint8Array): Uint8Array {
  return path.slice(path.lastIndexOf(SLASH) + 1).subarray(0, NAME_BYTES);
}

/** execve(2): finds the file, the personality that knows it, and loads it; nothing of the caller changes until all has succeeded. */
export class Exec {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Loads a program; an errno or a wait leaves nothing behind. */
  load(caller: Caller & { progress: Plain | undefined }, request: ExecRequest): Image | Reply {
    if (stringBytes(request.argv) + stringBytes(request.environment) > SYSTEM_LIMITS.execBytes) return -Errno.E2BIG;
    for (const strings of [request.argv, request.environment]) {
      for (const string of strings) if (string.length >= STRING_BYTES_MAX) return -Errno.E2BIG;
    }
    const { loading } = this.#core;
    const files = loading.get(caller) ?? new Loading();
    files.begin();
    const reply = this.#open(caller, files, request, request, 0);
    if (typeof reply === 'object' && 'on' in reply) loading.set(caller, files);
    else {
      loading.delete(caller);
      files.close();
    }
    return reply;
  }

  /** Gives the task its new image. */
  commit(task: UnixTask, image: Image): void {
    const core = this.#core;
    const process = task.process;
    core.life.endOthers(task);
    if (task.id !== process.pid) {
      core.tasks.delete(task.id);
      task.id = process.pid;
      core.tasks.set(task.id, task);
    }
    core.bury(task.context);
    core.buryMemory(task.memory);
    task.context = image.context;
    task.memory = image.memory;
    task.space = image.memory.space;
    task.cpu = image.cpu;
    task.personality = image.personality;
    core.life.letGo(task);
    this.#freshTables(task);
    process.executable?.release();
    process.executable = image.program;
    process.argv = image.argv;
    process.environment = image.environment;
    process.executed = true;
    task.name = image.name;
    task.note = undefined;
    task.progress = undefined;
    task.callNote = undefined;
    task.parked = undefined;
    task.altStack = undefined;
    task.clearTidAt = 0;
    task.robustHead = 0;
    task.robustBytes = 0;
    task.attention = true;
  }

  #freshTables(task: UnixTask): void {
    if (task.descriptors.references > 1) {
      const own = task.descriptors.copy();
      task.descriptors.release();
      task.descriptors = own;
    }
    task.descriptors.closeMarked();
    if (task.actions.references > 1) {
      task.actions.references--;
      task.actions = task.actions.copy();
    }
    task.actions.resetHandlers();
  }

  #open(caller: Caller, files: Loading, first: ExecRequest, request: ExecRequest, level: number): Image | Reply {
    const file = files.open(request.path, () => this.#core.files.program(caller, request.dir, request.path, request.flags));
    if (typeof file === 'number' || !('backing' in file)) return file;
    const head = new Uint8Array(HEAD_BYTES);
    const read = file.read(0, head);
    if (typeof read !== 'number' || read < 0) {
      file.close();
      return read;
    }
    const bytes = head.subarray(0, read);
    const script = scriptLine(bytes);
    if (script === undefined) return this.#loadFile(caller, files, first, request, file, bytes);
    file.close();
    if (script.interpreter.length === 0) return -Errno.ENOEXEC;
    if (level >= SCRIPT_LEVELS) return -Errno.ELOOP;
    const argument = script.argument === undefined ? [] : [script.argument];
    const argv = [script.interpreter, ...argument, request.shown, ...request.argv.slice(1)];
    const { interpreter } = script;
    const next = { dir: caller.directories.cwd, path: interpreter, shown: interpreter, argv, environment: request.environment, flags: 0 };
    return this.#open(caller, files, first, next, level + 1);
  }

  #loadFile(caller: Caller, files: Loading, first: ExecRequest, request: ExecRequest, file: Executable, head: Uint8Array): Image | Reply {
    const program = new ProgramHold(file);
    const personality = this.#core.personalities.find((candidate) => candidate.recognises(head));
    const cpu = personality === undefined ? undefined : this.#core.cpu(personality.isa);
    if (personality === undefined || cpu === undefined) {
      program.release();
      return -Errno.ENOEXEC;
    }
    const opened: Opened[] = [];
    const out: Partial<LoadedProgram> = {};
    const reply = personality.load(
      {
        file,
        argv: request.argv,
        env: request.environment,
        execPath: first.shown,
        account: this.#core.machine.memory,
        cpu: (isa) => this.#core.cpu(isa),
        random: (to) => this.#core.machine.entropy(to),
        open: (path) => this.#openAnother(caller, files, path, opened),
      },
      out as LoadedProgram,
    );
    if (reply !== 0) {
      for (const other of opened) other.hold.release();
      program.release();
      return reply;
    }
    return this.#image(first, request, out as LoadedProgram, { personality, cpu, program, file, opened });
  }

  #image(
    first: ExecRequest,
    request: ExecRequest,
    loaded: LoadedProgram,
    by: { personality: Personality; cpu: Cpu; program: ProgramHold; file: Executable; opened: readonly Opened[] },
  ): Image {
    const heap = loaded.heapStart;
    const memory = new Memory(loaded.space, heap, heap, loaded.mapStart);
    memory.keep(by.file.backing.id, by.program);
    for (const { file, hold } of by.opened) {
      memory.keep(file.backing.id, hold);
      hold.release();
    }
    return {
      context: loaded.context,
      memory,
      cpu: by.cpu,
      personality: by.personality,
      program: by.program,
      argv: request.argv,
      environment: request.environment,
      name: programName(first.shown),
    };
  }

  #openAnother(caller: Caller, files: Loading, path: Uint8Array, opened: Opened[]): ProgramFile | Reply {
    if (opened.length >= INTERPRETERS_MAX) return -Errno.EMFILE;
    const file = files.open(path, () => this.#core.files.program(caller, caller.directories.cwd, path, 0));
    if (typeof file === 'number' || !('backing' in file)) return file;
    opened.push({ file, hold: new ProgramHold(file) });
    return file;
  }
}

/** As Linux counts: each string with its NUL and a pointer. */
function stringBytes(strings: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const string of strings) bytes += string.length + 1 + 8;
  return bytes;
}
