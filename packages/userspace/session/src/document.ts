import { type Channel, Errno } from '@ashlar/hardware';

/** Bytes of a document in one frame. */
const CHUNK_BYTES = 256 << 10;
/** A longer document is refused by whoever receives it. */
const DOCUMENT_BYTES_MAX = 512 << 20;

/** Sends a document over a channel in frames, as the far end takes them, and ends it. */
export function sendDocument(bytes: Uint8Array, channel: Channel): number {
  let at = 0;
  let over = false;
  const send = (): void => {
    while (!over && at < bytes.length) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      at += chunk.length;
      if (!channel.send(chunk)) return;
    }
    if (over) return;
    over = true;
    channel.close(0);
  };
  channel.receive(
    () => undefined,
    send,
    () => {
      over = true;
    },
  );
  send();
  return 0;
}

/** All that the far end sends until it ends; undefined if there is none (ENOENT). Rejects if it ended with another errno. */
export function receiveDocument(channel: Channel): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    channel.receive(
      (frame) => {
        bytes += frame.length;
        if (bytes > DOCUMENT_BYTES_MAX) {
          channel.close(0);
          reject(new Error(`the document is longer than ${DOCUMENT_BYTES_MAX} bytes`));
        } else chunks.push(frame.slice());
      },
      () => undefined,
      (errno) => {
        if (errno === -Errno.ENOENT) {
          resolve(undefined);
          return;
        }
        if (errno !== 0) {
          reject(new Error(`the channel ended with error ${-errno}`));
          return;
        }
        const all = new Uint8Array(bytes);
        let at = 0;
        for (const chunk of chunks) {
          all.set(chunk, at);
          at += chunk.length;
        }
        resolve(all);
      },
    );
  });
}
