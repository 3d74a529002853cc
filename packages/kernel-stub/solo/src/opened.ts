import { type Attributes, Errno, type EventKey, type Events, type Machine, type Reply, ROOT_NODE, type Share } from '@ashlar/hardware';
import type { Stdio } from '@ashlar/kernel-stub';

const STREAM_BYTES = 65536;

/** At most 64 KiB on their way between the operator and the program. What the one writes the other reads. */
export class Stream implements Stdio {
  bytes = new Uint8Array(0);
  closed = false;
  constructor(readonly on: { events: Events; key: EventKey }) {}

  write(from: Uint8Array): Reply {
    const count = this.closed ? -Errno.EPIPE : Math.min(from.length, STREAM_BYTES - this.bytes.length);
    const all = new Uint8Array(this.bytes.length + Math.max(0, count));
    all.set(this.bytes);
    all.set(from.subarray(0, Math.max(0, count)), this.bytes.length);
    return this.#became(all, count !== 0 || from.length === 0 ? count : { on: [this.on.key] });
  }
  read(to: Uint8Array): Reply {
    const count = Math.min(to.length, this.bytes.length);
    to.set(this.bytes.subarray(0, count));
    return this.#became(this.bytes.slice(count), count > 0 || this.closed || to.length === 0 ? count : { on: [this.on.key] });
  }
  close(): void {
    this.closed = true;
    this.#became(this.bytes, 0);
  }
  #became(bytes: Uint8Array<ArrayBuffer>, reply: Reply): Reply {
    this.bytes = bytes;
    this.on.events.fire(this.on.key);
    return reply;
  }
}

/** The root share, read-only. */
export class Root {
  ready = false;
  constructor(private readonly machine: Machine) {}

  /** Asks the device, after its handshake. */
  ask(request: (share: Share) => Reply): Reply {
    const share = this.machine.device('root') as Share | undefined;
    const begun = this.ready ? 0 : (share?.reset() ?? -Errno.ENODEV);
    if (begun !== 0 || share === undefined) return begun;
    this.ready ||= share.accept([]) === 0;
    return request(share);
  }
  /** 0 and the node in `out`, with a reference to it. Paths are plain names: a link is no directory here, and `..` is not found. */
  find(start: number, path: string, out: Attributes): Reply {
    return this.ask((share) => {
      let reply = share.getattr(path.startsWith('/') ? ROOT_NODE : start, out);
      for (const name of path.split('/').filter((each) => each !== '' && each !== '.')) {
        const parent = out.node;
        if (reply === 0) reply = share.lookup(parent, new TextEncoder().encode(name), out);
        if (parent !== start) share.forget(parent, 1);
      }
      return reply;
    });
  }
  /** A file for mapping, by the id `solo:NODE`. */
  backing(id: string) {
    const node = Number(id.slice(id.indexOf(':') + 1));
    const read = (at: number, to: Uint8Array): Reply => this.ask((share) => share.read(node, at, to));
    return { id, read, fetch: (page: number, into: Uint8Array): Reply => read(page * into.length, into) || -Errno.ENXIO };
  }
}
