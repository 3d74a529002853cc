import type { Result } from '@ashlar/hardware';

/** What the host's network says about one connection. Called at any time; each call is quick and throws nothing. */
export interface HostStreamEvents {
  connected(): void;
  /** The bytes are good until it returns. May come a little after `pause`. */
  data(bytes: Uint8Array): void;
  /** What was written has gone; more may be. */
  drained(): void;
  /** The far end will send no more. */
  ended(): void;
  /** It is over: 0 for a normal end, or a negated errno. */
  closed(errno: Result): void;
}

/** One connection of the host. Nothing here blocks. */
export interface HostStream {
  /** Takes all of the bytes (copied); false: wait for `drained` before the next. */
  write(bytes: Uint8Array): boolean;
  /** Sends no more. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Ends it at once. No event follows. */
  destroy(): void;
}

/** The host's network, where policy lets a domain reach it. */
export interface HostSockets {
  /** Begins to connect; `events` hears how it goes. */
  connect(host: string, port: number, events: HostStreamEvents): HostStream;
}
