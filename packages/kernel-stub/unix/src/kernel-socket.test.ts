import { describe, expect, it } from 'vitest';
import { BytesIo } from './io.ts';
import { formatAddress, parseAddress } from './socket-address.ts';
import { Bench, named } from './testing/bench.ts';
import { type Guest, type Instruction, inTurn, type Program } from './testing/scripted.ts';

const fd = (guest: Guest, name: string): number => guest.kept[name] as number;
const keepResult =
  (name: string): Instruction =>
  (guest) => {
    guest.kept[name] = guest.r;
    return 0;
  };
const say =
  (text: (guest: Guest) => string): Instruction =>
  (guest) =>
    guest.write(1, text(guest));
const exit: Instruction = (guest) => guest.exit(0);
const output = (program: Program): string => new Bench({ program }).run('/bin/program').stdout;
const path = (name: string): Uint8Array => formatAddress({ family: 1, name: new TextEncoder().encode(name) });
const port = (number: number): Uint8Array => formatAddress({ family: 2, host: [127, 0, 0, 1], port: number });
const [UNIX, INET, STREAM, DATAGRAM] = [1, 2, 1, 2];

describe('socket addresses', () => {
  it('are read as they are written', () => {
    for (const address of [
      { family: 1, name: undefined },
      { family: 1, name: Uint8Array.of(0, 1, 2) },
      { family: 2, host: [10, 1, 2, 3], port: 443 },
      { family: 10, host: [127, 0, 0, 1], port: 8080 },
      { family: 10, host: [10, 0, 0, 9], port: 1 },
    ] as const) {
      expect(parseAddress(formatAddress(address), address.family)).toEqual(address);
    }
  });

  it('too short or of another family are refused', () => {
    expect(named(parseAddress(Uint8Array.of(2), 2) as number)).toBe('-EINVAL');
    expect(named(parseAddress(Uint8Array.of(2, 0, 0, 80), 2) as number)).toBe('-EINVAL');
    expect(named(parseAddress(port(80), 10) as number)).toBe('-EAFNOSUPPORT');
  });
});

describe('sockets', () => {
  it('of a pair carry bytes both ways, end, and break', () => {
    const program: Program = [
      (guest) => guest.system.socketPair(guest.task, UNIX, STREAM, 0),
      (guest) => inTurn(guest.keep('a', guest.task.values[0] as number), guest.keep('b', guest.task.values[1] as number)),
      (guest) => guest.write(fd(guest, 'a'), 'there'),
      (guest) => guest.read(fd(guest, 'b'), 2),
      (guest) => guest.read(fd(guest, 'b'), 20),
      (guest) => guest.system.shutdown(guest.task, fd(guest, 'a'), 1),
      (guest) => guest.read(fd(guest, 'b'), 20),
      say((guest) => `${guest.context.text} ${guest.r} `),
      (guest) => guest.system.close(guest.task, fd(guest, 'a')),
      (guest) => guest.system.send(guest.task, fd(guest, 'b'), new BytesIo(Uint8Array.of(1)), 0x4000, new Uint8Array()),
      say((guest) => named(guest.r)),
      exit,
    ];
    expect(output(program)).toBe('there 0 -EPIPE');
  });

  for (const [name, family, address] of [
    ['by path', UNIX, path('socket')],
    ['by abstract name', UNIX, path('\0name')],
    ['by port', INET, port(8080)],
  ] as const) {
    it(`${name} are connected and accepted between processes`, () => {
      const program: Program = [
        (guest) => guest.system.socket(guest.task, family, STREAM, 0),
        keepResult('listener'),
        (guest) => guest.system.connect(guest.task, fd(guest, 'listener'), address),
        say((guest) => `${named(guest.r)} `),
        (guest) => guest.system.bind(guest.task, fd(guest, 'listener'), address),
        (guest) => guest.system.listen(guest.task, fd(guest, 'listener'), 4),
        (guest) => guest.fork(),
        (guest) => (guest.r === 0 ? guest.jump(14) : 0),
        (guest) => guest.system.accept(guest.task, fd(guest, 'listener'), 0),
        keepResult('connection'),
        (guest) => guest.read(fd(guest, 'connection'), 20),
        (guest) => guest.read(fd(guest, 'connection'), 20),
        say((guest) => `${guest.context.text} ${guest.r}`),
        exit,
        (guest) => guest.system.socket(guest.task, family, STREAM, 0),
        keepResult('client'),
        (guest) => guest.system.connect(guest.task, fd(guest, 'client'), address),
        (guest) => guest.write(fd(guest, 'client'), 'hello'),
        exit,
      ];
      expect(output(program)).toBe(`${family === UNIX && name === 'by path' ? '-ENOENT' : '-ECONNREFUSED'} hello 0`);
    });
  }

  it('refuse a name that is taken', () => {
    const program: Program = [
      (guest) => guest.system.socket(guest.task, INET, STREAM, 0),
      (guest) => guest.system.bind(guest.task, guest.r, port(99)),
      (guest) => guest.system.socket(guest.task, INET, STREAM, 0),
      (guest) => guest.system.bind(guest.task, guest.r, port(99)),
      say((guest) => named(guest.r)),
      exit,
    ];
    expect(output(program)).toBe('-EADDRINUSE');
  });

  it('of datagrams keep boundaries, cut what does not fit, and name the sender', () => {
    const bytes = new Uint8Array(3);
    const program: Program = [
      (guest) => guest.system.socket(guest.task, INET, DATAGRAM, 0),
      keepResult('a'),
      (guest) => guest.system.bind(guest.task, fd(guest, 'a'), port(53)),
      (guest) => guest.system.socket(guest.task, INET, DATAGRAM, 0),
      keepResult('b'),
      (guest) => guest.system.bind(guest.task, fd(guest, 'b'), port(54)),
      (guest) => guest.system.send(guest.task, fd(guest, 'b'), new BytesIo(new TextEncoder().encode('longer')), 0, port(53)),
      (guest) => guest.system.send(guest.task, fd(guest, 'b'), new BytesIo(new TextEncoder().encode('ok')), 0, port(53)),
      (guest) => guest.system.receive(guest.task, fd(guest, 'a'), new BytesIo(bytes), 0),
      say((guest) => `${new TextDecoder().decode(bytes)} ${guest.task.values[1]} ${guest.task.bytes[3]} `),
      (guest) => guest.system.receive(guest.task, fd(guest, 'a'), new BytesIo(bytes), 0),
      say((guest) => `${guest.r}`),
      exit,
    ];
    expect(output(program)).toBe('lon 32 54 2');
  });
});
