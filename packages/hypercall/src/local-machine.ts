import {
  type Channel,
  type Clock,
  type Cpu,
  type Device,
  Errno,
  type Events,
  type Isa,
  type Limits,
  type Machine,
  type Manifest,
  type Partition,
  type PartitionRefused,
  type PluginRef,
  type Result,
  type Shape,
} from '@ashlar/hardware';
import type { Account } from './account.ts';
import { gateDevice, type Lease } from './gate.ts';
import type { Counter } from './link.ts';
import { PartitionServer } from './server.ts';
import { checkLimits, checkPartition, childShape } from './shape.ts';

/** What a hardware plugin hands over to make a machine of. */
export interface LocalParts {
  readonly shape: Shape;
  /** Its limit is what all partitions together may reserve. */
  readonly account: Account;
  readonly clock: Clock;
  readonly events: Events;
  readonly cpus: readonly { readonly cpu: Cpu; readonly plugin: PluginRef }[];
  /** A fresh opener of the device of that name in `shape`: called at most once for each machine that uses it. */
  open(device: string): Device;
  /** Fills at most 65,536 bytes. */
  entropy(to: Uint8Array): void;
}

/** Most bytes of one {@link Machine.entropy} call. */
export const ENTROPY_BYTES_MAX = 65_536;

/** Hands out partition labels; one per hardware, so that a label names one partition of the whole tree. Label 0 is the hardware's own machine. */
class Labels {
  #next = 1;

  allocate(): number {
    if (this.#next > 0xffff_ffff) throw new RangeError('all 2^32 - 1 partition labels were used');
    const label = this.#next;
    this.#next += 1;
    return label;
  }
}

/**
 * A machine whose devices are in this thread: what hardware offers, and what its partitions are when opened without a boundary.
 * A partition of a partition opens the drivers themselves, so depth costs nothing.
 */
export class LocalMachine implements Machine {
  readonly shape: Shape;
  readonly epoch = 0;
  readonly memory: Account;
  readonly clock: Clock;
  readonly events: Events;
  readonly crossings: Counter = { frames: 0, bytes: 0 };
  readonly #parts: LocalParts;
  readonly #lease: Lease;
  readonly #labels: Labels;
  readonly #devices = new Map<string, Device>();
  readonly #partitions = new Set<LocalPartition>();

  constructor(parts: LocalParts, inside?: { readonly lease: Lease; readonly labels: Labels }) {
    this.shape = parts.shape;
    this.memory = parts.account;
    this.clock = parts.clock;
    this.events = parts.events;
    this.#parts = parts;
    this.#lease = inside?.lease ?? { revoked: false };
    this.#labels = inside?.labels ?? new Labels();
  }

  cpu(isa: Isa): Cpu | undefined {
    if (!this.shape.isas.includes(isa)) return undefined;
    return this.#parts.cpus.find((entry) => entry.cpu.isa === isa)?.cpu;
  }

  device(name: string): Device | undefined {
    const open = this.#devices.get(name);
    if (open !== undefined) return open;
    if (this.#lease.revoked || !Object.hasOwn(this.shape.devices, name)) return undefined;
    const device = gateDevice(this.#parts.open(name), this.#lease, this.shape.devices[name]?.readOnly === true);
    this.#devices.set(name, device);
    return device;
  }

  entropy(to: Uint8Array): void {
    if (to.length > ENTROPY_BYTES_MAX) throw new RangeError(`entropy of ${to.length} bytes: at most ${ENTROPY_BYTES_MAX} at a time`);
    if (!this.#lease.revoked) this.#parts.entropy(to);
  }

  partition(want: Shape, limits: Limits): LocalPartition | PartitionRefused {
    if (this.#lease.revoked) return { refused: -Errno.ENODEV, missing: 'machine' };
    const refused = checkPartition(this.shape, want, limits);
    if (refused !== undefined) return refused;
    const shape = childShape(this.shape, want, limits);
    const account = this.memory.sub(shape.pages);
    if (typeof account === 'number') return { refused: account, missing: 'memory' };
    const lease: Lease = { revoked: false };
    const parts: LocalParts = {
      ...this.#parts,
      shape,
      account,
      open: (name) => this.#parts.open(want.devices[name]?.from ?? name),
      entropy: (to) => this.#parts.entropy(to),
    };
    const machine = new LocalMachine(parts, { lease, labels: this.#labels });
    const manifest: Manifest = Object.freeze({ shape, limits, label: this.#labels.allocate(), cpus: this.#routes(shape) });
    const partition = new LocalPartition(manifest, machine, () => this.#partitions.delete(partition));
    this.#partitions.add(partition);
    return partition;
  }

  #routes(shape: Shape): Manifest['cpus'] {
    return this.#parts.cpus.filter(({ cpu }) => shape.isas.includes(cpu.isa)).map(({ cpu, plugin }) => ({ isa: cpu.isa, plugin }));
  }

  /** Closes what this machine and all its partitions have open; every later request answers -ENODEV and the reservation is back. */
  revoke(): void {
    if (this.#lease.revoked) return;
    for (const partition of [...this.#partitions]) partition.revoke();
    for (const device of this.#devices.values()) device.close();
    this.#lease.revoked = true;
    this.memory.close();
  }
}

/** A partition of a machine in this thread. */
export class LocalPartition implements Partition {
  readonly manifest: Manifest;
  readonly #machine: LocalMachine;
  readonly #forget: () => void;
  #server: PartitionServer | undefined;

  constructor(manifest: Manifest, machine: LocalMachine, forget: () => void) {
    this.manifest = manifest;
    this.#machine = machine;
    this.#forget = forget;
  }

  open(): LocalMachine {
    return this.#machine;
  }

  serve(channel: Channel): void {
    this.#server ??= new PartitionServer(this.#machine, this.manifest, this.#machine.crossings);
    this.#server.attach(channel, this.manifest.label);
  }

  /** Attaches the channel of a partition of this one that moved to a further thread. */
  adopt(request: unknown): void {
    this.#server?.adopt(request);
  }

  limit(limits: Limits): Result {
    const result = checkLimits(limits)?.refused ?? this.#machine.memory.resize(limits.pages);
    if (result >= 0) this.#server?.limited(this.manifest.label, limits.pages);
    return result;
  }

  revoke(): void {
    this.#server?.revoke();
    this.#machine.revoke();
    this.#forget();
  }
}
