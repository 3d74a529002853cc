import { registerSuite } from '@ashlar/conformance';
import { guestPrograms } from '@ashlar/guests';
import { createPair } from '@ashlar/hypercall';
import { SessionClient } from '@ashlar/session';
import { type Stack, start } from 'ashlar';
import { type SessionFixture, sessionTests } from './session.ts';

/** A session suite's fixture on a whole stack. */
interface StackFixture extends SessionFixture {
  readonly stack: Stack;
}

async function onStack(hypervisors: readonly string[], kernel: string): Promise<StackFixture> {
  const stack = await start({
    ashlar: 1,
    memory: '256MiB',
    hypervisors: [...hypervisors],
    kernel,
    userspace: { use: ['linux'], volumes: [{ host: guestPrograms, guest: '/guests', readOnly: true }] },
  });
  await stack.files.mkdir('/tmp', 0o1777);
  const channel = (): SessionFixture['channel'] extends () => infer Made ? Made : never => {
    const { client, server } = createPair();
    if (stack.serve('session', server) < 0) throw new Error('the stack serves no session');
    return client;
  };
  return { stack, channel, open: () => new SessionClient(channel()) };
}

const supports = new Set(['writable', 'terminal', 'signal']);
for (const [hypervisors, kernel] of [
  [[], 'posix'],
  [['direct'], 'passthrough'],
  [['worker'], 'posix'],
  [['direct', 'worker', 'direct'], 'posix'],
] as const) {
  registerSuite(sessionTests, {
    name: `session on ${kernel} in ${hypervisors.join(' > ') || 'no hypervisor'}`,
    factory: () => onStack(hypervisors, kernel),
    dispose: (fixture) => (fixture as StackFixture).stack.stop(),
    supports,
  });
}
