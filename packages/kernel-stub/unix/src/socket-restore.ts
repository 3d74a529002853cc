import type { Plain } from '@ashlar/hardware';
import type { Core } from './core.ts';
import { DatagramSocket, type SavedDatagrams } from './datagram-socket.ts';
import type { Description } from './description.ts';
import type { Pipe } from './pipe.ts';
import { type Address, type InetAddress, parseAddress, SocketType } from './socket-address.ts';
import type { SocketDescription } from './socket-description.ts';
import type { SavedRights } from './socket-rights.ts';
import { DeviceStream, PipeStream } from './socket-stream.ts';
import { type BoundName, StreamSocket } from './stream-socket.ts';

type Saved = { readonly [key: string]: Plain };

/** A socket made again from what `saveWith` gave; what it has to do with other sockets is put in by {@link linkSocket}. */
export function restoreSocket(core: Core, pipes: readonly Pipe[], saved: Saved, flags: number): SocketDescription | undefined {
  const { serial, family, protocol, type } = saved as unknown as { serial: number; family: number; protocol: number; type: number };
  const socket =
    type === SocketType.STREAM
      ? restoreStream(core, pipes, saved, new StreamSocket(core.sockets, serial, family, protocol, flags))
      : restoreDatagram(saved, new DatagramSocket(core.sockets, serial, family, type, protocol, flags));
  socket.error = saved.error as number;
  socket.local = addressOf(saved.local as Uint8Array | null, family);
  for (const { key, value } of saved.options as unknown as readonly { key: number; value: Uint8Array }[]) socket.options.set(key, value);
  return socket;
}

/** When all descriptions were made: connections that wait to be accepted, the other end of a pair. */
export function linkSocket(socket: SocketDescription, saved: Saved, descriptions: readonly Description[]): void {
  if (socket instanceof StreamSocket) {
    for (const number of saved.queue as readonly number[]) socket.enqueue((descriptions[number] as StreamSocket).hold());
    const { stream } = socket;
    if (!(stream instanceof PipeStream)) return;
    stream.arriving.restore(saved.arriving as unknown as readonly SavedRights[], descriptions);
    for (const other of descriptions) {
      if (other instanceof StreamSocket && other.stream instanceof PipeStream && other.stream.incoming === stream.outgoing) {
        PipeStream.join(stream, other.stream);
      }
    }
  } else if (socket instanceof DatagramSocket) {
    const other = descriptions[saved.other as number];
    socket.link(other instanceof DatagramSocket ? other : undefined, (saved as unknown as SavedDatagrams).messages, descriptions);
  }
}

function restoreStream(core: Core, pipes: readonly Pipe[], saved: Saved, socket: StreamSocket): StreamSocket {
  const connecting = saved.connecting as { tag: number; to: Uint8Array } | null;
  socket.restore({
    name: saved.name as BoundName | null,
    madeNode: saved.madeNode === true,
    peer: addressOf(saved.peer as Uint8Array | null, socket.family),
    backlog: saved.backlog as number,
    credentials: saved.credentials as readonly number[],
    connecting: connecting === null ? undefined : { tag: connecting.tag, to: addressOf(connecting.to, socket.family) as InetAddress },
    outside: saved.outside as { listener: number; tag: number } | null,
  });
  const inside = saved.inside as { incoming: number; outgoing: number; receiving: boolean; sending: boolean } | null;
  const device = saved.device as { id: number; sent: number; received: number; held: Uint8Array } | null;
  if (device !== null) socket.stream = new DeviceStream(core.sockets.device, device);
  if (inside !== null) {
    const pipe = (serial: number): Pipe => pipes.find((candidate) => candidate.serial === serial) as Pipe;
    socket.stream = new PipeStream(pipe(inside.incoming), pipe(inside.outgoing));
    if (!inside.receiving) socket.stream.endReceiving();
    if (!inside.sending) socket.stream.endSending();
  }
  return socket;
}

function restoreDatagram(saved: Saved, socket: DatagramSocket): DatagramSocket {
  socket.restore(saved as unknown as SavedDatagrams);
  return socket;
}

/** A UNIX address of two bytes has no name, and is an address all the same. */
function addressOf(bytes: Uint8Array | null, family: number): Address | undefined {
  const parsed = bytes === null ? undefined : parseAddress(bytes, family);
  return typeof parsed === 'number' ? undefined : parsed;
}
