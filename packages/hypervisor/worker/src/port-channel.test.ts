import { channelCases } from '@ashlar/hypercall';
import { describe, expect, it } from 'vitest';
import { joinChannels, OVERRUN_BYTES_MAX, PortChannel } from './port-channel.ts';

/** Long enough for every message that is under way: ports deliver in order, so one more message behind them says so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

function ports(): { client: PortChannel; server: PortChannel } {
  const { port1, port2 } = new MessageChannel();
  return { client: new PortChannel(port1), server: new PortChannel(port2) };
}

describe('a channel over message ports', () => {
  it.each(channelCases.map((each) => [each.title, each] as const))('HC-68 %s', async (_title, { run }) => {
    const { client, server } = ports();
    await run({ client, server, settle });
    client.close(0);
  });

  it('ends with ENOBUFS when a sender does not stop', async () => {
    const { client, server } = ports();
    const ends: number[] = [];
    const nothing = (): void => undefined;
    server.receive(nothing, nothing, (errno) => ends.push(errno));
    const frame = new Uint8Array(1 << 20);
    for (let i = 0; i <= OVERRUN_BYTES_MAX >> 20; i++) client.send(frame);
    await settle();
    expect(ends).toEqual([-105]);
  });

  it('is carried on by another channel, with its end', async () => {
    const near = ports();
    const far = ports();
    joinChannels(near.server, far.client);
    const got: number[] = [];
    const ends: number[] = [];
    const nothing = (): void => undefined;
    far.server.receive(
      (frame) => got.push(frame[0] as number),
      nothing,
      (errno) => ends.push(errno),
    );
    near.client.send(new Uint8Array([3]));
    await settle();
    near.client.close(-2);
    await settle();
    expect([got, ends]).toEqual([[3], [-2]]);
  });
});
