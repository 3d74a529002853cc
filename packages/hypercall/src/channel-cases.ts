import type { Channel } from '@ashlar/hardware';

/** A transport under test. `settle` lets it deliver what is under way. */
export interface Transport {
  readonly client: Channel;
  readonly server: Channel;
  settle(): Promise<void>;
}

/** What any channel promises, so that a further transport (a socket) can be held to the same. Each case gets a fresh transport. */
export interface ChannelCase {
  readonly title: string;
  run(transport: Transport): Promise<void>;
}

const frameOf = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);

const nothing = (): void => undefined;

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** HC-68. Frames begin with a byte that is no event's type, so that a transport which tells replies from events takes them for replies. */
export const channelCases: readonly ChannelCase[] = [
  {
    title: 'delivers frames whole and in order, also those sent before anybody received',
    async run({ client, server, settle }) {
      const got: number[] = [];
      for (let i = 0; i < 5; i++) client.send(frameOf(i, 10 + i));
      await settle();
      server.receive((frame) => got.push((frame[0] as number) * 100 + frame.length), nothing, nothing);
      client.send(frameOf(5, 15));
      await settle();
      check(got.join() === '10,111,212,313,414,515', `got ${got.join()}`);
    },
  },
  {
    title: 'copies a frame before send returns',
    async run({ client, server, settle }) {
      const got: number[] = [];
      const frame = frameOf(1);
      client.send(frame);
      frame.fill(2);
      await settle();
      server.receive((received) => got.push(received[0] as number), nothing, nothing);
      await settle();
      check(got.join() === '1', `got ${got.join()}`);
    },
  },
  {
    title: 'tells both ends when one closes, once, with the reason',
    async run({ client, server, settle }) {
      const ends: string[] = [];
      client.receive(nothing, nothing, (errno) => ends.push(`client ${errno}`));
      server.receive(nothing, nothing, (errno) => ends.push(`server ${errno}`));
      server.close(-5);
      await settle();
      client.close(-7);
      await settle();
      check(ends.sort().join() === 'client -5,server -5', `ends ${ends.join()}`);
    },
  },
  {
    title: 'asks the sender to stop, and tells it to go on',
    async run({ client, server, settle }) {
      let drained = 0;
      client.receive(nothing, () => (drained += 1), nothing);
      let sent = 0;
      while (client.send(frameOf(0, 1 << 20)) && sent < 100) sent += 1;
      check(sent < 100, 'it never asked to stop');
      let got = 0;
      server.receive(() => (got += 1), nothing, nothing);
      await settle();
      check(got === sent + 1, `${got} of ${sent + 1} frames came`);
      check(drained > 0, 'it was not told to go on');
    },
  },
];

/** The same for channels that have a blocking round trip. */
export const callCases: readonly ChannelCase[] = [
  {
    title: 'answers a call with the frame that the server sends',
    async run({ client, server }) {
      server.receive((frame) => void server.send(frameOf((frame[0] as number) + 1, 40)), nothing, nothing);
      const answer = new Uint8Array(64);
      check(client.call?.(frameOf(9), answer) === 40, 'the answer has another length');
      check(answer[0] === 10 && answer[39] === 10 && answer[40] === 0, 'the answer is another');
    },
  },
  {
    title: 'refuses an answer that does not fit, and a call after the end',
    async run({ client, server }) {
      server.receive(() => void server.send(frameOf(1, 40)), nothing, nothing);
      check((client.call?.(frameOf(9), new Uint8Array(8)) ?? 0) < 0, 'it was taken');
      server.close(-5);
      check((client.call?.(frameOf(9), new Uint8Array(64)) ?? 0) < 0, 'a call after the end was answered');
    },
  },
];
