import { registerSuite } from '@ashlar/conformance';
import type { Device } from '@ashlar/hardware';
import { consoleTests, entropyTests, socketTests } from '@ashlar/hardware-conformance';
import { EventHub } from '@ashlar/hypercall';
import { ConsoleDriver } from './console.ts';
import { EntropyDriver } from './entropy.ts';
import { SocketDriver } from './socket/driver.ts';
import { SocketNetwork } from './socket/network.ts';

function accepted<D extends Device>(device: D): D {
  device.reset();
  device.accept(device.offered());
  return device;
}

registerSuite(consoleTests, {
  name: 'console',
  factory: () => {
    let text = '';
    const driver = new ConsoleDriver({
      events: new EventHub(),
      prefix: '> ',
      input: true,
      log: (bytes) => {
        text += new TextDecoder().decode(bytes);
      },
    });
    return {
      open: () => accepted(driver.open()),
      openOutput: () => accepted(driver.open(false)),
      type: (bytes) => driver.type(bytes),
      written: () => text,
    };
  },
  supports: new Set<string>(),
});

for (const source of [{ kind: 'crypto' }, { kind: 'seeded', seed: 3, stream: 'suite' }] as const) {
  registerSuite(entropyTests, {
    name: `entropy from ${source.kind}`,
    factory: () => {
      const driver = new EntropyDriver(new EventHub(), source);
      return { open: () => accepted(driver.open()) };
    },
    supports: new Set<string>(),
  });
}

registerSuite(socketTests, {
  name: 'socket',
  factory: () => {
    const events = new EventHub();
    const network = new SocketNetwork();
    const near = new SocketDriver({ events, network, name: 'near', mayConnect: ['far'] });
    const far = new SocketDriver({ events, network, name: 'far', mayConnect: [] });
    return { near: () => accepted(near.open()), far: () => accepted(far.open()) };
  },
  supports: new Set<string>(),
});
