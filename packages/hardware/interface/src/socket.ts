import type { Device, Tag } from './device.ts';
import type { Reply } from './value.ts';

/** Where a connection goes: a name of a linked domain or of a host, and a port. Addresses are resolved by the device, so no guest sees a host address. */
export interface SocketAddress {
  /** Domain name, or host name or literal address where the hardware's policy allows the outside. At most 255 bytes. */
  readonly host: string;
  /** 1 … 65,535; 0 in listen: any free one. */
  readonly port: number;
}

/**
 * Connections at socket level: reliable byte streams; no NIC and no second TCP stack. Connection ids are this opener's own, ≥ 1.
 * Streams carry sequence numbers (bytes moved so far in that direction, as a number < 2^53): a repeat is recognised and not sent or taken twice.
 */
export interface Socket extends Device {
  readonly kind: 'socket';
  /** The connection's id once it stands, or a wait; -ECONNREFUSED, -EHOSTUNREACH, -EACCES (policy), -ENOBUFS. */
  connect(tag: Tag, to: SocketAddress): Reply;
  /** A listener's id. -EADDRINUSE, -EACCES. */
  listen(tag: Tag, at: SocketAddress, backlog: number): Reply;
  /** The id of the next connection, or a wait. */
  acceptConnection(tag: Tag, listener: number): Reply;
  /** The port a listener or connection has at this end and the far end's name. */
  name(id: number, out: { localPort: number; peerHost: string; peerPort: number }): Reply;
  /** Bytes taken, or a wait. -EPIPE after the far end closed, -ECONNRESET. */
  send(connection: number, sequence: number, from: Uint8Array): Reply;
  /** Bytes received, 0 at the end, or a wait. */
  receive(connection: number, sequence: number, to: Uint8Array): Reply;
  /** What would not wait now: bit 0 receive or accept, bit 1 send, bit 2 ended or broken; with the wait for more in `event`. */
  ready(id: number): number;
  /** No more will be sent; the far end reads to the end. */
  shutdown(connection: number): Reply;
  closeConnection(id: number): void;
}
