import type { Saveable } from './state.ts';
import type { EventKey, Instant, Reply, Result } from './value.ts';

/**
 * Names one request of one device: an integer in [1, 2^31) that its asker chooses, saves, and never uses for another request before it has
 * collected the answer. Asking again with the same tag and arguments collects the answer and never executes twice.
 * A device keeps the answers of at least the last {@link TAG_WINDOW} tags of each opener. Tag 0 means "repeating this is harmless".
 */
export type Tag = number;
export const TAG_WINDOW = 256;

/**
 * What every device of a machine can do. A device object belongs to one opener: each opener sees the whole interface, and resetting its own
 * does not disturb another's.
 *
 * | the payload (driver's frontend)          | the device (backend)                                        |
 * |------------------------------------------|-------------------------------------------------------------|
 * | `reset()`                                | forgets open tags, nodes, connections of this opener        |
 * | reads `offered()`                        | offers the same features until the next reset               |
 * | `accept(subset)`                         | -EINVAL if not a subset or not after a reset; else ready    |
 * | requests                                 | -EIO before `accept`                                        |
 * | `quiesce(until)`                         | accepts no new tag; finishes or hands back each open one    |
 * | `save()`                                 | legal now                                                   |
 */
export interface Device extends Saveable {
  readonly kind: DeviceKind;
  /** Fires when the device wants attention, also spuriously. */
  readonly event: EventKey;
  reset(): Reply;
  offered(): readonly string[];
  accept(features: readonly string[]): Result;
  quiesce(until: Instant): Reply;
  /** Lets the opener's state go. */
  close(): void;
}

export type DeviceKind = 'console' | 'share' | 'socket' | 'entropy' | 'block' | 'display' | 'input';

/** The machine's log and its keyboard, if anybody sits there. Not the program's stdio: that is Session's. */
export interface Console extends Device {
  readonly kind: 'console';
  /** Bytes read, 0 at the end of input, or a wait. At most 65,536 bytes a call. */
  read(to: Uint8Array): Reply;
  /** Bytes taken (at most 65,536), or a wait. */
  write(from: Uint8Array): Reply;
  size(out: { columns: number; rows: number }): Result;
}

/** Random bytes. On `sim` a seeded stream that is part of the saved state. */
export interface Entropy extends Device {
  readonly kind: 'entropy';
  /** Fills `to` (at most 65,536 bytes) and returns its length. */
  fill(to: Uint8Array): Result;
}
