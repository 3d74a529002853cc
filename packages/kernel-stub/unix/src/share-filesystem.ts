import type {
  AttributeChange,
  Attributes,
  Device,
  FilesystemStatistics,
  Machine,
  PartReader,
  PartWriter,
  Reply,
  Share,
} from '@ashlar/hardware';
import { Errno, ROOT_NODE, SHARE_IO_BYTES_MAX } from '@ashlar/hardware';
import type { DirectorySink, Io } from '@ashlar/kernel-stub';
import type { Filesystem } from './filesystem.ts';

/** statfs(2) f_type; not one of Linux's. */
const SHARE_MAGIC = 0x41534852;
/** Bytes of one listing request: at least one record of the longest name. */
const LISTING_BYTES = 8192;
/** node u32, cookie u32, type u8, name length u8. */
const RECORD_BYTES = 10;
/** Features of shares that this translation makes use of. */
const FEATURES: readonly string[] = ['rename-exchange'];

/**
 * A `share` device as a mounted file system, one request for one request. It keeps nothing of the tree: what the guest sees is what the device says
 * at that moment.
 */
export class ShareFilesystem implements Filesystem {
  readonly device: number;
  readonly type = 'ashlar';
  readonly magic = SHARE_MAGIC;
  readonly readOnly: boolean;
  readonly root = ROOT_NODE;
  readonly #host: { readonly machine: Machine };
  readonly #name: string;
  /** The handshake with the device is done. */
  #ready = false;
  #share: Share | undefined;
  #epoch = -1;
  /** Where bytes of scattered user memory are gathered; as long as the longest request so far. */
  #bounce = new Uint8Array(0);
  #listing: Uint8Array | undefined;

  /** `name`: of the device. */
  constructor(host: { readonly machine: Machine }, name: string, device: number) {
    this.#host = host;
    this.#name = name;
    this.device = device;
    this.readOnly = host.machine.shape.devices[name]?.readOnly ?? false;
  }

  /** The device after its handshake, -ENODEV, or a wait. */
  #ask(): Share | Reply {
    const { machine } = this.#host;
    if (machine.epoch !== this.#epoch) {
      const device = machine.device(this.#name);
      this.#share = isShare(device) ? device : undefined;
      this.#epoch = machine.epoch;
    }
    const share = this.#share;
    if (share === undefined) return -Errno.ENODEV;
    if (this.#ready) return share;
    const reset = share.reset();
    if (typeof reset !== 'number' || reset < 0) return reset;
    const offered = share.offered();
    const accepted = share.accept(FEATURES.filter((feature) => offered.includes(feature)));
    if (accepted < 0) return accepted;
    this.#ready = true;
    return share;
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.lookup(parent, name, out) : share;
  }

  getattr(node: number, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.getattr(node, out) : share;
  }

  setattr(tag: number, node: number, change: AttributeChange, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.setattr(tag, node, change, out) : share;
  }

  readlink(node: number, to: Uint8Array): Reply {
    const share = this.#ask();
    return isShare(share) ? share.readlink(node, to) : share;
  }

  create(tag: number, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.create(tag, parent, name, mode, rdev, out) : share;
  }

  mkdir(tag: number, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.mkdir(tag, parent, name, mode, out) : share;
  }

  symlink(tag: number, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.symlink(tag, parent, name, target, out) : share;
  }

  link(tag: number, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    const share = this.#ask();
    return isShare(share) ? share.link(tag, node, parent, name, out) : share;
  }

  unlink(tag: number, parent: number, name: Uint8Array): Reply {
    const share = this.#ask();
    return isShare(share) ? share.unlink(tag, parent, name) : share;
  }

  rmdir(tag: number, parent: number, name: Uint8Array): Reply {
    const share = this.#ask();
    return isShare(share) ? share.rmdir(tag, parent, name) : share;
  }

  rename(tag: number, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    const share = this.#ask();
    return isShare(share) ? share.rename(tag, from, name, to, newName, flags) : share;
  }

  read(node: number, at: number, io: Io): Reply {
    const share = this.#ask();
    if (!isShare(share)) return share;
    const length = Math.min(io.length, SHARE_IO_BYTES_MAX);
    if (length === 0) return 0;
    const window = io.window(0, true);
    if (window !== undefined && window.length >= length)
      return share.read(node, at, window.length === length ? window : window.subarray(0, length));
    const bytes = this.#gather(length);
    const got = share.read(node, at, bytes);
    return typeof got !== 'number' || got <= 0 ? got : io.put(0, got === bytes.length ? bytes : bytes.subarray(0, got));
  }

  write(node: number, at: number, io: Io): Reply {
    const share = this.#ask();
    if (!isShare(share)) return share;
    const length = Math.min(io.length, SHARE_IO_BYTES_MAX);
    if (length === 0) return 0;
    const window = io.window(0, false);
    if (window !== undefined && window.length >= length)
      return share.write(node, at, window.length === length ? window : window.subarray(0, length));
    const bytes = this.#gather(length);
    const got = io.get(0, bytes);
    return typeof got !== 'number' || got <= 0 ? got : share.write(node, at, got === bytes.length ? bytes : bytes.subarray(0, got));
  }

  #gather(length: number): Uint8Array {
    if (this.#bounce.length < length) this.#bounce = new Uint8Array(length);
    return this.#bounce.subarray(0, length);
  }

  readdir(node: number, position: number, sink: DirectorySink): Reply {
    const share = this.#ask();
    if (!isShare(share)) return share;
    this.#listing ??= new Uint8Array(LISTING_BYTES);
    const listing = this.#listing;
    let given = 0;
    for (let cookie = position; ; ) {
      const bytes = share.readdir(node, cookie, listing);
      if (typeof bytes !== 'number' || bytes < 0) return given > 0 ? given : bytes;
      if (bytes === 0) return given;
      for (let at = 0; at + RECORD_BYTES <= bytes; ) {
        const length = listing[at + 9] as number;
        const next = word(listing, at + 4);
        const name = listing.subarray(at + RECORD_BYTES, at + RECORD_BYTES + length);
        if (!sink.entry(name, word(listing, at), listing[at + 8] as number, next)) return given;
        given++;
        cookie = next;
        at += RECORD_BYTES + length;
      }
    }
  }

  fsync(node: number): Reply {
    const share = this.#ask();
    return isShare(share) ? share.fsync(node) : share;
  }

  statfs(out: FilesystemStatistics): Reply {
    const share = this.#ask();
    return isShare(share) ? share.statfs(out) : share;
  }

  forget(node: number): void {
    if (this.#ready) this.#share?.forget(node, 1);
  }

  save(out: PartWriter): Reply {
    out.put('ready', this.#ready);
    return 0;
  }

  /** The device is restored apart, with the references and the handshake of before. */
  restore(part: PartReader): Reply {
    this.#ready = part.get('ready') as boolean;
    return 0;
  }
}

function isShare(answer: Share | Device | Reply | undefined): answer is Share {
  return typeof answer === 'object' && 'kind' in answer && answer.kind === 'share';
}

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
