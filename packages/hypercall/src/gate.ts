import {
  type AttributeChange,
  type Attributes,
  type Console,
  type Device,
  type DeviceKind,
  type Entropy,
  Errno,
  type EventKey,
  type FilesystemStatistics,
  type Instant,
  type PartReader,
  type PartWriter,
  type Reply,
  type Result,
  type Share,
  type Socket,
  type SocketAddress,
  type Tag,
} from '@ashlar/hardware';

/** Whether a partition still holds what it was given. One object per partition; revoking an ancestor sets it too, so checking is one load. */
export interface Lease {
  revoked: boolean;
}

const GONE: Result = -Errno.ENODEV;

/** A device that answers -ENODEV once its lease was revoked. One of these stands between a payload and a driver, whatever the depth. */
class GatedDevice<D extends Device> {
  protected readonly target: D;
  protected readonly lease: Lease;

  constructor(target: D, lease: Lease) {
    this.target = target;
    this.lease = lease;
  }

  get schema(): string {
    return this.target.schema;
  }

  get event(): EventKey {
    return this.target.event;
  }

  reset(): Reply {
    return this.lease.revoked ? GONE : this.target.reset();
  }

  offered(): readonly string[] {
    return this.lease.revoked ? [] : this.target.offered();
  }

  accept(features: readonly string[]): Result {
    return this.lease.revoked ? GONE : this.target.accept(features);
  }

  quiesce(until: Instant): Reply {
    return this.lease.revoked ? GONE : this.target.quiesce(until);
  }

  save(out: PartWriter): Reply {
    return this.lease.revoked ? GONE : this.target.save(out);
  }

  restore(part: PartReader): Reply {
    return this.lease.revoked ? GONE : this.target.restore(part);
  }

  close(): void {
    if (!this.lease.revoked) this.target.close();
  }
}

class GatedOther extends GatedDevice<Device> implements Device {
  get kind(): DeviceKind {
    return this.target.kind;
  }
}

class GatedConsole extends GatedDevice<Console> implements Console {
  readonly kind = 'console';

  read(to: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.read(to);
  }

  write(from: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.write(from);
  }

  size(out: { columns: number; rows: number }): Result {
    return this.lease.revoked ? GONE : this.target.size(out);
  }
}

class GatedEntropy extends GatedDevice<Entropy> implements Entropy {
  readonly kind = 'entropy';

  fill(to: Uint8Array): Result {
    return this.lease.revoked ? GONE : this.target.fill(to);
  }
}

class GatedSocket extends GatedDevice<Socket> implements Socket {
  readonly kind = 'socket';

  connect(tag: Tag, to: SocketAddress): Reply {
    return this.lease.revoked ? GONE : this.target.connect(tag, to);
  }

  listen(tag: Tag, at: SocketAddress, backlog: number): Reply {
    return this.lease.revoked ? GONE : this.target.listen(tag, at, backlog);
  }

  acceptConnection(tag: Tag, listener: number): Reply {
    return this.lease.revoked ? GONE : this.target.acceptConnection(tag, listener);
  }

  name(id: number, out: { localPort: number; peerHost: string; peerPort: number }): Reply {
    return this.lease.revoked ? GONE : this.target.name(id, out);
  }

  send(connection: number, sequence: number, from: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.send(connection, sequence, from);
  }

  receive(connection: number, sequence: number, to: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.receive(connection, sequence, to);
  }

  ready(id: number): number {
    return this.lease.revoked ? GONE : this.target.ready(id);
  }

  shutdown(connection: number): Reply {
    return this.lease.revoked ? GONE : this.target.shutdown(connection);
  }

  closeConnection(id: number): void {
    if (!this.lease.revoked) this.target.closeConnection(id);
  }
}

/** Requests that change names or contents: what a read-only share refuses. */
const READ_ONLY: Result = -Errno.EROFS;

class GatedShare extends GatedDevice<Share> implements Share {
  readonly kind = 'share';
  /** Answer to every change: undefined lets it through. */
  readonly #refusal: Result | undefined;

  constructor(target: Share, lease: Lease, readOnly: boolean) {
    super(target, lease);
    this.#refusal = readOnly ? READ_ONLY : undefined;
  }

  lookup(parent: number, name: Uint8Array, out: Attributes): Reply {
    return this.lease.revoked ? GONE : this.target.lookup(parent, name, out);
  }

  getattr(node: number, out: Attributes): Reply {
    return this.lease.revoked ? GONE : this.target.getattr(node, out);
  }

  setattr(tag: Tag, node: number, change: AttributeChange, out: Attributes): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.setattr(tag, node, change, out));
  }

  readlink(node: number, to: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.readlink(node, to);
  }

  create(tag: Tag, parent: number, name: Uint8Array, mode: number, rdev: number, out: Attributes): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.create(tag, parent, name, mode, rdev, out));
  }

  mkdir(tag: Tag, parent: number, name: Uint8Array, mode: number, out: Attributes): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.mkdir(tag, parent, name, mode, out));
  }

  symlink(tag: Tag, parent: number, name: Uint8Array, target: Uint8Array, out: Attributes): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.symlink(tag, parent, name, target, out));
  }

  link(tag: Tag, node: number, parent: number, name: Uint8Array, out: Attributes): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.link(tag, node, parent, name, out));
  }

  unlink(tag: Tag, parent: number, name: Uint8Array): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.unlink(tag, parent, name));
  }

  rmdir(tag: Tag, parent: number, name: Uint8Array): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.rmdir(tag, parent, name));
  }

  rename(tag: Tag, from: number, name: Uint8Array, to: number, newName: Uint8Array, flags: number): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.rename(tag, from, name, to, newName, flags));
  }

  read(node: number, at: number, to: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.read(node, at, to);
  }

  write(node: number, at: number, from: Uint8Array): Reply {
    return this.lease.revoked ? GONE : (this.#refusal ?? this.target.write(node, at, from));
  }

  readdir(node: number, cookie: number, to: Uint8Array): Reply {
    return this.lease.revoked ? GONE : this.target.readdir(node, cookie, to);
  }

  fsync(node: number): Reply {
    return this.lease.revoked ? GONE : this.target.fsync(node);
  }

  statfs(out: FilesystemStatistics): Reply {
    return this.lease.revoked ? GONE : this.target.statfs(out);
  }

  forget(node: number, count: number): void {
    if (!this.lease.revoked) this.target.forget(node, count);
  }
}

/** Puts the gate of `lease` in front of a device. `readOnly` matters for shares: changes answer -EROFS. */
export function gateDevice(device: Device, lease: Lease, readOnly: boolean): Device {
  switch (device.kind) {
    case 'console':
      return new GatedConsole(device as Console, lease);
    case 'share':
      return new GatedShare(device as Share, lease, readOnly);
    case 'socket':
      return new GatedSocket(device as Socket, lease);
    case 'entropy':
      return new GatedEntropy(device as Entropy, lease);
    default:
      return new GatedOther(device, lease);
  }
}
