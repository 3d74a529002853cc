import type { Attributes, Instant, MemoryAccount, Reply } from '@ashlar/hardware';
import { Errno, FileType, ROOT_NODE } from '@ashlar/hardware';
import type { DirectorySink, Io } from '@ashlar/kernel-stub';
import { copyInstant, newAttributes } from './attributes.ts';
import { DeviceNumber, type Devices } from './devices.ts';
import { FixedFilesystem } from './fixed-filesystem.ts';
import { PTS_DEVICE, PTS_FIRST_NODE, terminalStatus } from './terminal.ts';
import { Tmpfs } from './tmpfs.ts';
import { keyBytes, nameKey } from './tree-place.ts';

const DEVPTS_MAGIC = 0x1cd1;
const NODES = [
  ['null', DeviceNumber.NULL],
  ['zero', DeviceNumber.ZERO],
  ['full', DeviceNumber.FULL],
  ['random', DeviceNumber.RANDOM],
  ['urandom', DeviceNumber.URANDOM],
  ['tty', DeviceNumber.TTY],
] as const;
const LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
] as const;

/** What /dev and /dev/shm may hold beside what they begin with. */
const DEV_PAGES = 1024;
const DEV_NODES = 4096;

/** /dev: a tmpfs with the usual device nodes, as devtmpfs is on Linux. Programs may add to it. */
export function makeDevfs(options: { device: number; account: MemoryAccount; now: (out: Instant) => void }): Tmpfs {
  const devfs = new Tmpfs({ ...options, pages: DEV_PAGES, nodes: DEV_NODES, mode: 0o755, type: 'devtmpfs' });
  const out = newAttributes();
  const made = (): void => devfs.forget(out.node);
  for (const [name, rdev] of NODES) {
    devfs.create(0, ROOT_NODE, keyBytes(name), FileType.CHARACTER | 0o666, rdev, out);
    made();
  }
  devfs.create(0, ROOT_NODE, keyBytes('console'), FileType.CHARACTER | 0o600, DeviceNumber.CONSOLE, out);
  made();
  for (const [name, target] of LINKS) {
    devfs.symlink(0, ROOT_NODE, keyBytes(name), keyBytes(target), out);
    made();
  }
  // What is mounted there; so that the names are listed even where the mounts are not.
  for (const name of ['pts', 'shm']) {
    devfs.mkdir(0, ROOT_NODE, keyBytes(name), 0o755, out);
    made();
  }
  return devfs;
}

/** /dev/pts: the terminals there are, by number. */
export class Devpts extends FixedFilesystem {
  readonly device = PTS_DEVICE;
  readonly type = 'devpts';
  readonly magic = DEVPTS_MAGIC;
  readonly root = ROOT_NODE;
  readonly #devices: Devices;
  readonly #bootAt: Instant;
  readonly #status = { ...newAttributes(), device: 0, blockBytes: 0, blocks: 0 };

  constructor(devices: Devices, bootAt: Instant) {
    super();
    this.#devices = devices;
    this.#bootAt = bootAt;
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    if (parent !== this.root) return -Errno.ENOTDIR;
    const key = nameKey(name);
    const index = /^(0|[1-9]\d{0,3})$/.test(key) ? Number(key) : -1;
    return this.#devices.terminalAt(index) === undefined ? -Errno.ENOENT : this.getattr(PTS_FIRST_NODE + index, out);
  }

  getattr(node: number, out: Attributes): Reply {
    const status = this.#status;
    if (node === this.root) {
      status.node = node;
      status.mode = FileType.DIRECTORY | 0o755;
      status.size = 0;
      status.links = 2;
      status.rdev = 0;
      status.gid = 0;
    } else terminalStatus(node - PTS_FIRST_NODE, status);
    out.node = status.node;
    out.mode = status.mode;
    out.size = 0;
    out.links = status.links;
    out.uid = 0;
    out.gid = status.gid;
    out.rdev = status.rdev;
    copyInstant(this.#bootAt, out.atime);
    copyInstant(this.#bootAt, out.mtime);
    copyInstant(this.#bootAt, out.ctime);
    return 0;
  }

  readlink(): Reply {
    return -Errno.EINVAL;
  }

  read(_node: number, _at: number, _io: Io): Reply {
    return -Errno.EIO;
  }

  write(_node: number, _at: number, _io: Io): Reply {
    return -Errno.EIO;
  }

  readdir(node: number, position: number, sink: DirectorySink): Reply {
    if (node !== this.root) return -Errno.ENOTDIR;
    let given = 0;
    for (const index of this.#devices.terminals()) {
      if (index < position) continue;
      if (!sink.entry(keyBytes(String(index)), PTS_FIRST_NODE + index, FileType.CHARACTER >> 12, index + 1)) break;
      given++;
    }
    return given;
  }
}
