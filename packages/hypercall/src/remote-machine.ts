import {
  type Channel,
  type Clock,
  type ClockName,
  type Cpu,
  type Device,
  Errno,
  type EventKey,
  type Events,
  type Instant,
  type Isa,
  type Limits,
  type Machine,
  type Manifest,
  type Partition,
  type PartitionRefused,
  type Result,
  type Shape,
} from '@ashlar/hardware';
import { Account } from './account.ts';
import type { FrameReader } from './cursor.ts';
import { readJson } from './describe.ts';
import { FrameType, HEADER_BYTES, type Header, HOPS_MAX, newHeader, readHeader, writeHeader } from './frame.ts';
import { type Caller, type Counter, Link, type Listener } from './link.ts';
import { ENTROPY_BYTES_MAX } from './local-machine.ts';
import { CLOCKS, Op } from './ops.ts';
import { isPlainRecord, plainManifest } from './plain-shape.ts';
import { readKeys, writeKeys } from './records.ts';
import { openRemoteDevice } from './remote-device.ts';
import { RemoteKeys } from './remote-keys.ts';
import { openRingServer, readBranch } from './ring.ts';
import { checkPartition } from './shape.ts';

export interface RemoteOptions {
  /** CPUs of this thread, constructed from {@link Manifest.cpus} by whoever opens the partition. */
  readonly cpus: readonly Cpu[];
  readonly events: Events;
}

/** Opens a partition at the far end of a channel that has `call`. */
export function openPartition(manifest: Manifest, channel: Channel, options: RemoteOptions): RemoteMachine {
  return new RemoteMachine(manifest, new Link(channel), options, new Account(manifest.shape.pages));
}

/** A machine whose requests travel as frames. CPUs and memory are here; devices, clock and entropy at the far end. */
export class RemoteMachine implements Machine {
  readonly shape: Shape;
  readonly epoch = 0;
  readonly memory: Account;
  readonly clock: Clock;
  readonly events: Events;
  readonly crossings: Counter = { frames: 0, bytes: 0 };
  readonly #manifest: Manifest;
  readonly #link: Link;
  readonly #caller: Caller;
  readonly #keys: RemoteKeys;
  readonly #options: RemoteOptions;
  readonly #deviceNames: readonly string[];
  readonly #devices = new Map<string, Device>();

  constructor(manifest: Manifest, link: Link, options: RemoteOptions, account: Account) {
    this.shape = frozen(manifest.shape);
    this.memory = account;
    this.events = options.events;
    this.#manifest = manifest;
    this.#link = link;
    this.#options = options;
    this.#caller = { label: manifest.label, crossings: this.crossings, sequence: 0 };
    this.#keys = new RemoteKeys(options.events);
    this.#deviceNames = Object.keys(manifest.shape.devices).sort();
    this.clock = new RemoteClock(link, this.#caller);
    const listener: Listener = { onEvent: (header, body) => this.#onEvent(header, body) };
    link.listen(manifest.label, listener);
    link.onEnd(() => this.#keys.fireAll());
  }

  cpu(isa: Isa): Cpu | undefined {
    return this.shape.isas.includes(isa) ? this.#options.cpus.find((cpu) => cpu.isa === isa) : undefined;
  }

  device(name: string): Device | undefined {
    const open = this.#devices.get(name);
    if (open !== undefined) return open;
    const index = this.#deviceNames.indexOf(name);
    const shape = index < 0 ? undefined : this.shape.devices[name];
    if (shape === undefined) return undefined;
    const device = openRemoteDevice({ link: this.#link, caller: this.#caller, keys: this.#keys }, index, shape.kind);
    this.#devices.set(name, device);
    return device;
  }

  entropy(to: Uint8Array): void {
    if (to.length > ENTROPY_BYTES_MAX) throw new RangeError(`entropy of ${to.length} bytes: at most ${ENTROPY_BYTES_MAX} at a time`);
    this.#link.begin(this.#caller, Op.ENTROPY).u32(to.length);
    if (this.#link.finish(this.#caller) !== to.length) return;
    const data = this.#link.reader.bytes(to.length);
    if (data.length === to.length) to.set(data);
  }

  partition(want: Shape, limits: Limits): RemotePartition | PartitionRefused {
    const refused = checkPartition(this.shape, want, limits);
    if (refused !== undefined) return refused;
    const account = this.memory.sub(Math.min(want.pages, limits.pages));
    if (typeof account === 'number') return { refused: account, missing: 'memory' };
    const made = this.#askPartition(want, limits);
    if ('refused' in made) {
      account.close();
      return made;
    }
    return new RemotePartition(made, { link: this.#link, caller: this.#caller, options: this.#options, account });
  }

  /** The label that this machine's frames carry. */
  get label(): number {
    return this.#manifest.label;
  }

  /** Keys of this thread for keys of the hardware's, whose next firing is reported from now on: what a thread further up waits for. */
  watch(far: readonly number[]): readonly EventKey[] {
    if (far.length === 0) return [];
    writeKeys(this.#link.begin(this.#caller, Op.WATCH), far);
    this.#link.finish(this.#caller);
    return far.map((key) => this.#keys.local(key));
  }

  #askPartition(want: Shape, limits: Limits): Manifest | PartitionRefused {
    this.#link.begin(this.#caller, Op.PARTITION).text(JSON.stringify({ shape: want, limits }));
    const result = this.#link.finish(this.#caller);
    if (result !== 0) return { refused: result < 0 && Number.isFinite(result) ? result : -Errno.EPROTO, missing: 'machine' };
    const answer = readJson(this.#link.reader);
    const manifest = plainManifest(answer);
    if (manifest !== undefined) return manifest;
    if (isPlainRecord(answer) && typeof answer.refused === 'number' && typeof answer.missing === 'string') {
      return { refused: answer.refused, missing: answer.missing };
    }
    return { refused: -Errno.EPROTO, missing: 'machine' };
  }

  #onEvent(header: Header, body: FrameReader): void {
    if (header.op === Op.FIRED) {
      for (const key of readKeys(body)) this.#keys.fired(key);
    } else if (header.op === Op.LIMITED) {
      const pages = body.u53();
      if (body.finished) this.memory.resize(pages, 'even below what is used');
    }
  }
}

/** What travelled is a copy, and copies are not frozen. */
function frozen(shape: Shape): Shape {
  for (const device of Object.values(shape.devices)) Object.freeze(device);
  Object.freeze(shape.devices);
  Object.freeze(shape.isas);
  return Object.freeze(shape);
}

class RemoteClock implements Clock {
  readonly #link: Link;
  readonly #caller: Caller;

  constructor(link: Link, caller: Caller) {
    this.#link = link;
    this.#caller = caller;
  }

  /** Leaves `out` as it was if the far end is gone. */
  read(which: ClockName, out: Instant): void {
    this.#link.begin(this.#caller, Op.CLOCK).u8(CLOCKS.indexOf(which));
    if (this.#link.finish(this.#caller) === 0) this.#link.reader.instant(out);
  }
}

interface Origin {
  readonly link: Link;
  /** The machine that it is a part of. */
  readonly caller: Caller;
  readonly options: RemoteOptions;
  /** What it holds in this thread's books. */
  readonly account: Account;
}

/** A partition of a machine that is itself reached by frames. */
export class RemotePartition implements Partition {
  readonly manifest: Manifest;
  readonly #origin: Origin;
  /** Sequence of tunnels under this partition's label. Crossings count for the machine whose channel is crossed. */
  readonly #tunnel: Caller;
  readonly #served = new Set<Channel>();
  #machine: RemoteMachine | undefined;
  #revoked = false;

  constructor(manifest: Manifest, origin: Origin) {
    this.manifest = manifest;
    this.#origin = origin;
    this.#tunnel = { label: manifest.label, crossings: origin.caller.crossings, sequence: 0 };
  }

  /** Its frames carry its own label over this machine's channel: no level is added. */
  open(): RemoteMachine {
    const { link, options, account } = this.#origin;
    this.#machine ??= new RemoteMachine(this.manifest, link, options, account);
    return this.#machine;
  }

  /** Wraps each frame of the partition in one of this level's, and unwraps the answer. */
  serve(channel: Channel): void {
    const { link } = this.#origin;
    if (this.#served.size === 0) {
      // Whoever asks through here must learn that nobody answers any more.
      link.onEnd((errno) => {
        for (const served of [...this.#served]) served.close(errno);
      });
      link.relay(this.manifest.label, (frame) => {
        for (const served of this.#served) served.send(frame);
      });
    }
    this.#served.add(channel);
    channel.receive(
      (frame) => channel.send(this.#carry(frame)),
      () => undefined,
      () => this.#served.delete(channel),
    );
  }

  branch(): unknown {
    return this.#origin.link.channel.branch?.(this.manifest.label);
  }

  /** Where this level serves, the branch ends here; where it was linked past, further down. */
  adopt(request: unknown): void {
    const branch = readBranch(request);
    if (branch === undefined) return;
    if (this.#served.size > 0) this.serve(openRingServer(branch.ring));
    else this.#origin.link.channel.adopt?.(request);
  }

  limit(limits: Limits): Result {
    const { link, caller, account } = this.#origin;
    const before = account.limitPages;
    const resized = account.resize(limits.pages);
    if (resized < 0) return resized;
    link.begin(caller, Op.LIMIT).u32(this.manifest.label).text(JSON.stringify(limits));
    const result = link.finish(caller);
    if (result < 0) account.resize(before);
    return result;
  }

  revoke(): void {
    if (this.#revoked) return;
    this.#revoked = true;
    const { link, caller, account } = this.#origin;
    link.begin(caller, Op.REVOKE).u32(this.manifest.label);
    link.finish(caller);
    link.relay(this.manifest.label, undefined);
    link.listen(this.manifest.label, undefined);
    account.close();
  }

  #carry(frame: Uint8Array): Uint8Array {
    const bad = readHeader(frame, 0, frame.length, inner);
    if (bad < 0) return refusal(bad);
    const hops = inner.hops + 1;
    if (hops > HOPS_MAX) return refusal(-Errno.ELOOP);
    const { label, sequence, op } = inner;
    const answer = this.#origin.link.tunnel(this.#tunnel, frame, hops);
    return typeof answer === 'number' ? refusal(answer, { label, sequence, op }) : answer;
  }
}

const inner = newHeader();
const refused = new Uint8Array(HEADER_BYTES + 8);

/** A reply of this level: the frame did not get further. */
function refusal(errno: Result, of: { label: number; sequence: number; op: number } = { label: 0, sequence: 0, op: 0 }): Uint8Array {
  writeHeader(refused, 0, { ...newHeader(), type: FrameType.REPLY, length: refused.length, ...of });
  new DataView(refused.buffer).setBigInt64(HEADER_BYTES, BigInt(errno), true);
  return refused;
}
