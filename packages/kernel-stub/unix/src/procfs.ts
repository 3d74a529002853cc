import type { Attributes, Instant, PartReader, PartWriter, Plain, Reply, Result } from '@ashlar/hardware';
import { Errno, FileType } from '@ashlar/hardware';
import type { DirectorySink, Io } from '@ashlar/kernel-stub';
import { copyInstant } from './attributes.ts';
import type { FollowedLink } from './filesystem.ts';
import { FixedFilesystem } from './fixed-filesystem.ts';
import type { ProcessView, UnixHost } from './host.ts';
import { PROCESS_FILES, type ProcessFile } from './proc-process.ts';
import { GLOBAL_TREE, type GlobalEntry, type GlobalFacts } from './proc-system.ts';
import { keyBytes, nameKey, type TreePlace } from './tree-place.ts';
import type { Asker } from './vfs.ts';

const PROC_MAGIC = 0x9fa0;
const ROOT = 1;
/** Node numbers: global entries from 2; of a process pid·2^20 + kind·2^12 + argument (a descriptor or a thread's place). */
const PROCESS_NODES = 2 ** 20;
const KIND_NODES = 2 ** 12;
/** Kinds beside the files of {@link PROCESS_FILES}, which follow from FIRST_FILE. */
const Kind = { PROCESS: 0, FD_DIRECTORY: 1, FD: 2, TASK_DIRECTORY: 3, TASK: 4, EXE: 5, CWD: 6, ROOT: 7, FIRST_FILE: 16 } as const;
/** Listing positions of processes come after those of the global entries. */
const PROCESSES_FROM = 2 ** 20;
/** Texts kept while they are read in pieces. */
const TEXTS_MAX = 16;
const LINKS: Readonly<Record<string, number>> = { exe: Kind.EXE, cwd: Kind.CWD, root: Kind.ROOT };
const DIRECTORIES: Readonly<Record<string, number>> = { fd: Kind.FD_DIRECTORY, task: Kind.TASK_DIRECTORY };

/** What /proc is made from. */
export interface ProcfsSource {
  readonly host: UnixHost;
  readonly asker: Asker;
  /** Mounted file systems, for /proc/mounts. */
  mounts(): readonly { readonly path: string; readonly filesystem: { readonly type: string; readonly readOnly: boolean } }[];
  /** Where a mapped file lies, by its backing's id. */
  backingPath(id: string): TreePlace | undefined;
}

/**
 * /proc, as far as real programs were seen to read it (proc(5)). Every text is made from the kernel's tables when it is read from its start, and
 * kept while it is read on; nothing of the host shows in it.
 */
export class Procfs extends FixedFilesystem {
  readonly device: number;
  readonly type = 'proc';
  readonly magic = PROC_MAGIC;
  readonly root = ROOT;
  readonly #source: ProcfsSource;
  readonly #facts: GlobalFacts;
  readonly #global: GlobalEntry[] = [];
  readonly #texts = new Map<number, Uint8Array>();
  readonly #now: Instant = { sec: 0, nsec: 0 };

  constructor(device: number, source: ProcfsSource) {
    super();
    this.device = device;
    this.#source = source;
    this.#facts = { host: source.host, bootId: '' };
    this.#number(GLOBAL_TREE);
  }

  /** Numbers the global entries in the order of the table, which is part of the saved form. */
  #number(entry: GlobalEntry): void {
    this.#global.push(entry);
    if (entry.kind === 'directory') for (const child of entry.children) this.#number(child);
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    const found = this.#find(parent, nameKey(name));
    return found < 0 ? found : this.getattr(found, out);
  }

  #find(parent: number, name: string): Result {
    if (parent < PROCESS_NODES) {
      const entry = this.#global[parent - ROOT];
      if (entry?.kind !== 'directory') return -Errno.ENOTDIR;
      const child = entry.children.find((each) => each.name === name);
      if (child !== undefined) return this.#global.indexOf(child) + ROOT;
      if (parent !== ROOT) return -Errno.ENOENT;
      const pid = number(name);
      return pid > 0 && this.#source.host.process(pid) !== undefined ? pid * PROCESS_NODES : -Errno.ENOENT;
    }
    return this.#findOfProcess(parent, name);
  }

  #findOfProcess(parent: number, name: string): Result {
    const { pid, kind, argument } = split(parent);
    const process = this.#source.host.process(pid);
    if (process === undefined) return -Errno.ENOENT;
    if (kind === Kind.FD_DIRECTORY) {
      const fd = number(name);
      return fd >= 0 && process.description(fd) !== undefined ? join(pid, Kind.FD, fd) : -Errno.ENOENT;
    }
    if (kind === Kind.TASK_DIRECTORY) {
      const index = process.threads.indexOf(number(name));
      return index < 0 ? -Errno.ENOENT : join(pid, Kind.TASK, index);
    }
    if (kind !== Kind.PROCESS && kind !== Kind.TASK) return -Errno.ENOTDIR;
    const special = LINKS[name] ?? (kind === Kind.PROCESS ? DIRECTORIES[name] : undefined);
    if (special !== undefined) return join(pid, special, argument);
    const file = PROCESS_FILES.findIndex((each) => each.name === name);
    return file < 0 ? -Errno.ENOENT : join(pid, Kind.FIRST_FILE + file, argument);
  }

  getattr(node: number, out: Attributes): Reply {
    out.node = node;
    out.size = 0;
    out.rdev = 0;
    out.uid = 0;
    out.gid = 0;
    this.#source.host.clock('wall', this.#now);
    copyInstant(this.#now, out.atime);
    copyInstant(this.#now, out.mtime);
    copyInstant(this.#now, out.ctime);
    if (node < PROCESS_NODES) {
      const entry = this.#global[node - ROOT];
      if (entry === undefined) return -Errno.ENOENT;
      out.mode = GLOBAL_MODES[entry.kind];
      out.links = entry.kind === 'directory' ? 2 : 1;
      return 0;
    }
    const { pid, kind } = split(node);
    const process = this.#source.host.process(pid);
    if (process === undefined) return -Errno.ENOENT;
    out.uid = process.credentials.euid;
    out.gid = process.credentials.egid;
    out.mode = kind >= Kind.FIRST_FILE ? FileType.REGULAR | 0o444 : (PROCESS_MODES[kind] ?? 0);
    out.links = (out.mode & FileType.MASK) === FileType.DIRECTORY ? 2 : 1;
    if (kind === Kind.FD) out.size = 64;
    return 0;
  }

  readlink(node: number, to: Uint8Array): Reply {
    const target = this.#target(node);
    if (target === undefined) return -Errno.EINVAL;
    to.set(target.subarray(0, to.length));
    return target.length;
  }

  #target(node: number): Uint8Array | undefined {
    if (node < PROCESS_NODES) {
      const entry = this.#global[node - ROOT];
      return entry?.kind === 'link' ? keyBytes(entry.target(this.#source.asker)) : undefined;
    }
    const { pid, kind, argument } = split(node);
    const process = this.#source.host.process(pid);
    if (process === undefined) return undefined;
    if (kind === Kind.FD) return process.description(argument)?.label();
    const place = linkedPlace(process, kind);
    if (place === undefined) return undefined;
    const root = process.directories?.root as TreePlace | undefined;
    return keyBytes((root === undefined ? '/' : place.pathFrom(root)) + (place.isUnreachable ? ' (deleted)' : ''));
  }

  override follow(node: number): FollowedLink | undefined {
    if (node < PROCESS_NODES) return undefined;
    const { pid, kind, argument } = split(node);
    const process = this.#source.host.process(pid);
    if (process === undefined) return undefined;
    if (kind !== Kind.FD) {
      const place = linkedPlace(process, kind);
      return place === undefined ? undefined : { place };
    }
    const description = process.description(argument);
    const place = description?.place();
    if (place !== undefined) return { place };
    return description === undefined ? undefined : { description };
  }

  read(node: number, at: number, io: Io): Reply {
    const text = this.#text(node, at);
    if (typeof text === 'number') return text;
    return at >= text.length ? 0 : io.put(0, text.subarray(at, Math.min(text.length, at + io.length)));
  }

  #text(node: number, at: number): Uint8Array | Result {
    const kept = this.#texts.get(node);
    if (at > 0 && kept !== undefined) return kept;
    const made = this.#make(node);
    if (typeof made === 'number') return made;
    this.#texts.delete(node);
    this.#texts.set(node, made);
    if (this.#texts.size > TEXTS_MAX) this.#texts.delete(this.#texts.keys().next().value as number);
    return made;
  }

  #make(node: number): Uint8Array | Result {
    if (node < PROCESS_NODES) {
      const entry = this.#global[node - ROOT];
      if (entry?.kind !== 'file') return -Errno.EISDIR;
      return keyBytes(entry.text(this.#facts));
    }
    const { pid, kind, argument } = split(node);
    const process = this.#source.host.process(pid);
    if (process === undefined) return -Errno.ESRCH;
    const file: ProcessFile | undefined = PROCESS_FILES[kind - Kind.FIRST_FILE];
    if (file === undefined) return -Errno.EISDIR;
    const text = file.text(process, this.#source, process.threads[argument] ?? pid);
    return typeof text === 'string' ? keyBytes(text) : text;
  }

  /** Accepted and without effect where Linux lets the superuser write a setting. */
  write(node: number, _at: number, io: Io): Reply {
    const entry = this.#global[node - ROOT];
    return entry?.kind === 'file' && entry.settable === true ? io.length : -Errno.EACCES;
  }

  readdir(node: number, position: number, sink: DirectorySink): Reply {
    if (node >= PROCESS_NODES) return this.#listProcess(node, position, sink);
    const entry = this.#global[node - ROOT];
    if (entry?.kind !== 'directory') return -Errno.ENOTDIR;
    let given = 0;
    for (const [index, child] of entry.children.entries()) {
      if (index < position) continue;
      const type = GLOBAL_MODES[child.kind] >> 12;
      if (!sink.entry(keyBytes(child.name), this.#global.indexOf(child) + ROOT, type, index + 1)) return given;
      given++;
    }
    if (node !== ROOT) return given;
    for (const { pid } of this.#source.host.processes()) {
      if (PROCESSES_FROM + pid <= position) continue;
      if (!sink.entry(keyBytes(String(pid)), pid * PROCESS_NODES, FileType.DIRECTORY >> 12, PROCESSES_FROM + pid)) return given;
      given++;
    }
    return given;
  }

  #listProcess(node: number, position: number, sink: DirectorySink): Reply {
    const { pid, kind, argument } = split(node);
    const process = this.#source.host.process(pid);
    if (process === undefined) return -Errno.ENOENT;
    let given = 0;
    const offer = (name: string, child: number, mode: number, next: number): boolean => {
      if (next <= position) return true;
      if (!sink.entry(keyBytes(name), child, mode >> 12, next)) return false;
      given++;
      return true;
    };
    if (kind === Kind.FD_DIRECTORY) {
      for (const fd of process.descriptors()) if (!offer(String(fd), join(pid, Kind.FD, fd), FileType.SYMLINK, fd + 1)) break;
    } else if (kind === Kind.TASK_DIRECTORY) {
      for (const [index, id] of process.threads.entries())
        if (!offer(String(id), join(pid, Kind.TASK, index), FileType.DIRECTORY, id)) break;
    } else if (kind === Kind.PROCESS || kind === Kind.TASK) {
      let next = 1;
      const specials = kind === Kind.PROCESS ? { ...DIRECTORIES, ...LINKS } : LINKS;
      for (const [name, special] of Object.entries(specials)) {
        if (!offer(name, join(pid, special, argument), PROCESS_MODES[special] ?? 0, next++)) return given;
      }
      for (const [index, file] of PROCESS_FILES.entries()) {
        if (!offer(file.name, join(pid, Kind.FIRST_FILE + index, argument), FileType.REGULAR, next++)) return given;
      }
    } else return -Errno.ENOTDIR;
    return given;
  }

  save(out: PartWriter): Reply {
    out.put('bootId', this.#facts.bootId);
    out.put('texts', [...this.#texts] as unknown as Plain);
    return 0;
  }

  restore(part: PartReader): Reply {
    this.#facts.bootId = part.get('bootId') as string;
    for (const [node, text] of part.get('texts') as unknown as readonly (readonly [number, Uint8Array])[]) this.#texts.set(node, text);
    return 0;
  }
}

const GLOBAL_MODES = { directory: FileType.DIRECTORY | 0o555, file: FileType.REGULAR | 0o444, link: FileType.SYMLINK | 0o777 } as const;
const PROCESS_MODES: Readonly<Record<number, number>> = {
  [Kind.PROCESS]: FileType.DIRECTORY | 0o555,
  [Kind.FD_DIRECTORY]: FileType.DIRECTORY | 0o500,
  [Kind.FD]: FileType.SYMLINK | 0o700,
  [Kind.TASK_DIRECTORY]: FileType.DIRECTORY | 0o555,
  [Kind.TASK]: FileType.DIRECTORY | 0o555,
  [Kind.EXE]: FileType.SYMLINK | 0o777,
  [Kind.CWD]: FileType.SYMLINK | 0o777,
  [Kind.ROOT]: FileType.SYMLINK | 0o777,
};

const join = (pid: number, kind: number, argument: number): number => pid * PROCESS_NODES + kind * KIND_NODES + argument;

function split(node: number): { pid: number; kind: number; argument: number } {
  const pid = Math.floor(node / PROCESS_NODES);
  const rest = node - pid * PROCESS_NODES;
  return { pid, kind: Math.floor(rest / KIND_NODES), argument: rest % KIND_NODES };
}

/** A decimal number without leading zeroes, or -1. */
const number = (name: string): number => (/^(0|[1-9]\d{0,8})$/.test(name) ? Number(name) : -1);

function linkedPlace(process: ProcessView, kind: number): TreePlace | undefined {
  if (kind === Kind.EXE) return process.executable as TreePlace | undefined;
  if (kind === Kind.CWD) return process.directories?.cwd as TreePlace | undefined;
  return kind === Kind.ROOT ? (process.directories?.root as TreePlace | undefined) : undefined;
}
