import { describe, expect, it } from 'vitest';
import { callCases, channelCases } from './channel-cases.ts';
import { createPair } from './index.ts';

describe('a channel within a thread', () => {
  it.each([...channelCases, ...callCases].map((each) => [each.title, each] as const))('HC-68 %s', async (_title, { run }) => {
    await run({ ...createPair(), settle: async () => undefined });
  });

  it('does not enter a receiver that is being entered', () => {
    const { client, server } = createPair();
    const order: string[] = [];
    const nothing = (): void => undefined;
    server.receive(
      (frame) => {
        order.push(`in ${frame[0]}`);
        server.send(frame);
        order.push(`out ${frame[0]}`);
      },
      nothing,
      nothing,
    );
    client.receive(
      (frame) => {
        order.push(`back ${frame[0]}`);
        if (frame[0] === 1) client.send(new Uint8Array([2]));
      },
      nothing,
      nothing,
    );
    client.send(new Uint8Array([1]));
    expect(order).toEqual(['in 1', 'back 1', 'out 1', 'in 2', 'back 2', 'out 2']);
  });

  it('HC-60 shows every frame to a tap', () => {
    const seen: string[] = [];
    const { client, server } = createPair((toward, frame) => seen.push(`${toward} ${frame[0]}`));
    server.receive(
      () => void server.send(new Uint8Array([2])),
      () => undefined,
      () => undefined,
    );
    client.call?.(new Uint8Array([1]), new Uint8Array(8));
    expect(seen).toEqual(['server 1', 'client 2']);
  });
});
