import type { Attributes, Machine, Plain, Reply, Result } from '@ashlar/hardware';
import { Errno, FileType } from '@ashlar/hardware';
import { type Io, SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import { deviceNumber, majorOf, minorOf } from './attributes.ts';
import type { Description } from './description.ts';
import { type FileOwner, NodeDescription } from './file-description.ts';
import type { Caller, UnixHost } from './host.ts';
import { askConsole } from './machine-console.ts';
import { PseudoTerminal, PTS_MAJOR } from './terminal.ts';
import type { Terminal } from './terminal-device.ts';
import type { TreePlace } from './tree-place.ts';

/** Most terminals at once. */
export const TERMINALS_MAX = 64;
/** Most bytes of one entropy or console request. */
const DEVICE_BYTES_MAX = 65536;

/** Character devices by number, as Linux numbers them (devices.txt). */
export const DeviceNumber = {
  NULL: deviceNumber(1, 3),
  ZERO: deviceNumber(1, 5),
  FULL: deviceNumber(1, 7),
  RANDOM: deviceNumber(1, 8),
  URANDOM: deviceNumber(1, 9),
  TTY: deviceNumber(5, 0),
  CONSOLE: deviceNumber(5, 1),
} as const;

/** What opening a character device node gives, by its number; and the terminals. */
export class Devices {
  readonly #host: UnixHost;
  readonly #terminals = new Map<number, PseudoTerminal>();
  /** Moves bytes between devices and user memory; made at the first use. */
  #bounce: Uint8Array | undefined;
  #owner: FileOwner | undefined;

  constructor(host: UnixHost) {
    this.#host = host;
  }

  /** The tree whose places its descriptions hold. */
  attach(owner: FileOwner): void {
    this.#owner = owner;
  }

  /** `place` takes a hold. -ENXIO: there is no such device. */
  open(caller: Caller, node: Attributes, flags: number, place: () => TreePlace): Description | Reply {
    if ((node.mode & FileType.MASK) !== FileType.CHARACTER) return -Errno.ENXIO;
    if (node.rdev === DeviceNumber.TTY) return caller.controllingTerminal?.open(flags) ?? -Errno.ENXIO;
    if (majorOf(node.rdev) === PTS_MAJOR) return this.#terminals.get(minorOf(node.rdev))?.open(flags) ?? -Errno.EIO;
    return this.#make(node.rdev, place, flags) ?? -Errno.ENXIO;
  }

  #make(rdev: number, place: () => TreePlace, flags: number): DeviceDescription | undefined {
    const make = CHARACTER_DEVICES[rdev];
    return make === undefined ? undefined : make(this.#owner as FileOwner, place(), flags, this);
  }

  get machine(): Machine {
    return this.#host.machine;
  }

  get bounce(): Uint8Array {
    this.#bounce ??= new Uint8Array(DEVICE_BYTES_MAX);
    return this.#bounce;
  }

  terminal(columns: number, rows: number): Terminal | Result {
    for (const [index, terminal] of this.#terminals) if (terminal.isSpent) this.#terminals.delete(index);
    let index = 0;
    while (this.#terminals.has(index)) index++;
    if (index >= TERMINALS_MAX) return -Errno.EMFILE;
    const made = new PseudoTerminal(this.#host, index, columns, rows);
    this.#terminals.set(index, made);
    return made;
  }

  terminalAt(index: number): PseudoTerminal | undefined {
    return this.#terminals.get(index);
  }

  /** Numbers of the terminals there are, ascending. */
  terminals(): readonly number[] {
    return [...this.#terminals.keys()].sort((a, b) => a - b);
  }

  save(): Plain {
    return [...this.#terminals.values()].map((terminal) => terminal.save());
  }

  restore(saved: Plain): void {
    for (const each of saved as readonly { index: number; columns: number; rows: number }[]) {
      const terminal = new PseudoTerminal(this.#host, each.index, each.columns, each.rows);
      terminal.restore(each);
      this.#terminals.set(each.index, terminal);
    }
  }

  restoreDescription(kind: string, saved: Plain, placeOf: (serial: number) => TreePlace | undefined): Description | undefined {
    if (kind === 'terminal') {
      const { terminal, flags } = saved as { terminal: number; flags: number };
      return this.#terminals.get(terminal)?.open(flags);
    }
    if (kind !== 'device') return undefined;
    const { place: serial, flags, rdev } = saved as { place: number; flags: number; rdev: number };
    const place = placeOf(serial);
    return place === undefined ? undefined : this.#make(rdev, () => place, flags);
  }
}

/** An open character device that is no terminal. */
abstract class DeviceDescription extends NodeDescription {
  readonly kind = 'device';
  protected readonly rdev: number;
  protected readonly devices: Devices;

  constructor(owner: FileOwner, place: TreePlace, flags: number, devices: Devices, rdev: number) {
    super(owner, place, flags);
    this.devices = devices;
    this.rdev = rdev;
  }

  override readAt(caller: Caller, _at: number, io: Io): Reply {
    return this.read(caller, io);
  }

  override writeAt(caller: Caller, _at: number, io: Io): Reply {
    return this.write(caller, io);
  }

  override seek(_caller: Caller, _offset: number, _whence: number): Reply {
    return 0;
  }

  override save(): Plain {
    return { ...(super.save() as { place: number; flags: number }), rdev: this.rdev };
  }

  /** Fills the io with pieces that `fill` makes. */
  protected give(io: Io, fill: (piece: Uint8Array) => void): Reply {
    const length = Math.min(io.length, SYSTEM_LIMITS.ioBytes);
    let done = 0;
    while (done < length) {
      const piece = this.devices.bounce.subarray(0, Math.min(DEVICE_BYTES_MAX, length - done));
      fill(piece);
      const put = io.put(done, piece);
      if (typeof put !== 'number' || put < 0) return done > 0 ? done : put;
      done += put;
      if (put < piece.length) break;
    }
    return done;
  }
}

class NullDevice extends DeviceDescription {
  override read(_caller: Caller, _io: Io): Reply {
    return 0;
  }

  override write(_caller: Caller, io: Io): Reply {
    return io.length;
  }
}

class ZeroDevice extends DeviceDescription {
  override read(_caller: Caller, io: Io): Reply {
    return this.give(io, (piece) => piece.fill(0));
  }

  override write(_caller: Caller, io: Io): Reply {
    return io.length;
  }

  override backing(): { id: string; fetch(page: number, into: Uint8Array): Reply } {
    return { id: '', fetch: (_page, into) => into.length };
  }
}

class FullDevice extends ZeroDevice {
  override write(_caller: Caller, io: Io): Reply {
    return io.length === 0 ? 0 : -Errno.ENOSPC;
  }
}

class RandomDevice extends DeviceDescription {
  override read(_caller: Caller, io: Io): Reply {
    return this.give(io, (piece) => this.devices.machine.entropy(piece));
  }

  override write(_caller: Caller, io: Io): Reply {
    return io.length;
  }
}

/** The machine's console, as bytes and without a line discipline: nobody's controlling terminal. */
class ConsoleDevice extends DeviceDescription {
  override readonly interruptible = true;

  override read(_caller: Caller, io: Io): Reply {
    const piece = this.devices.bounce.subarray(0, Math.min(DEVICE_BYTES_MAX, io.length));
    const got = askConsole(this.devices.machine, (console) => console.read(piece)) ?? 0;
    if (typeof got !== 'number') return this.nonblocking ? -Errno.EAGAIN : got;
    return got <= 0 ? got : io.put(0, piece.subarray(0, got));
  }

  override write(caller: Caller, io: Io): Reply {
    let done = typeof caller.progress === 'number' ? caller.progress : 0;
    caller.progress = undefined;
    while (done < io.length) {
      const piece = this.devices.bounce.subarray(0, Math.min(DEVICE_BYTES_MAX, io.length - done));
      const got = io.get(done, piece);
      if (typeof got !== 'number' || got <= 0) return done > 0 ? done : got;
      const taken = askConsole(this.devices.machine, (console) => console.write(piece.subarray(0, got))) ?? got;
      if (typeof taken !== 'number') {
        if (this.nonblocking || caller.signalled) return done > 0 ? done : this.nonblocking ? -Errno.EAGAIN : -Errno.EINTR;
        caller.progress = done;
        return taken;
      }
      if (taken < 0) return done > 0 ? done : taken;
      done += taken;
    }
    return done;
  }
}

type MakeDevice = (owner: FileOwner, place: TreePlace, flags: number, devices: Devices) => DeviceDescription;

const CHARACTER_DEVICES: Readonly<Record<number, MakeDevice>> = {
  [DeviceNumber.NULL]: (owner, place, flags, devices) => new NullDevice(owner, place, flags, devices, DeviceNumber.NULL),
  [DeviceNumber.ZERO]: (owner, place, flags, devices) => new ZeroDevice(owner, place, flags, devices, DeviceNumber.ZERO),
  [DeviceNumber.FULL]: (owner, place, flags, devices) => new FullDevice(owner, place, flags, devices, DeviceNumber.FULL),
  [DeviceNumber.RANDOM]: (owner, place, flags, devices) => new RandomDevice(owner, place, flags, devices, DeviceNumber.RANDOM),
  [DeviceNumber.URANDOM]: (owner, place, flags, devices) => new RandomDevice(owner, place, flags, devices, DeviceNumber.URANDOM),
  [DeviceNumber.CONSOLE]: (owner, place, flags, devices) => new ConsoleDevice(owner, place, flags, devices, DeviceNumber.CONSOLE),
};
