import type { Channel } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { receiveDocument, sendDocument } from './document.ts';

/** Two ends in one thread: the far one takes a frame at a time, and only when `deliver` is called. */
function slowPair() {
  const queue: Uint8Array[] = [];
  let onFrame: (frame: Uint8Array) => void = () => undefined;
  let onDrain = (): void => undefined;
  let onEnd: (errno: number) => void = () => undefined;
  let ended: number | undefined;
  const near = {
    receive: (frame: typeof onFrame, _drain: unknown, end: typeof onEnd) => {
      onFrame = frame;
      onEnd = end;
    },
  };
  const far = {
    receive: (_frame: unknown, drain: typeof onDrain) => {
      onDrain = drain;
    },
    send: (frame: Uint8Array) => {
      queue.push(frame.slice());
      return false;
    },
    close: (errno: number) => {
      ended = errno;
    },
  };
  const deliver = (): boolean => {
    const frame = queue.shift();
    if (frame === undefined) {
      if (ended !== undefined) onEnd(ended);
      return false;
    }
    onFrame(frame);
    onDrain();
    return true;
  };
  return { near: near as unknown as Channel, far: far as unknown as Channel, queue, deliver };
}

describe('a document over a channel', () => {
  it.each([[0], [1], [1_000_001]])('of %d bytes arrives whole, a frame at a time', async (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
    const { near, far, queue, deliver } = slowPair();
    const received = receiveDocument(near);
    sendDocument(bytes, far);
    do expect(queue.length).toBeLessThanOrEqual(1);
    while (deliver());
    deliver();
    const all = (await received) as Uint8Array;
    expect(all.length).toBe(length);
    expect(all.every((byte, i) => byte === i % 251)).toBe(true);
  });

  it('is refused where the channel ends with an error', async () => {
    const { near, far, deliver } = slowPair();
    const received = receiveDocument(near);
    far.close(-104);
    deliver();
    await expect(received).rejects.toThrow('ended with error 104');
  });

  it('is undefined where there is none', async () => {
    const { near, far, deliver } = slowPair();
    const received = receiveDocument(near);
    far.close(-2);
    deliver();
    expect(await received).toBeUndefined();
  });
});
