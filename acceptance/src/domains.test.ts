import { debianRoot } from '@ashlar/guests';
import { type Stack, start } from 'ashlar';
import { describe, expect, it } from 'vitest';

const root = debianRoot(['busybox-static']);

function twoDomains(path: string): Promise<Stack> {
  const domain = { userspace: { use: ['linux'], image: `dir:${path}` } };
  return start({
    ashlar: 1,
    memory: '512MiB',
    hypervisors: ['direct'],
    domains: { server: { memory: '128MiB', ...domain }, client: { memory: '128MiB', hypervisors: ['worker'], ...domain } },
    links: [{ from: 'client', to: 'server' }],
  });
}

const busybox = (...argv: string[]): string[] => ['/usr/bin/busybox', ...argv];

if (root.path === undefined) {
  it(`linked domains were skipped: ${root.reason}`, () => expect(process.env.ASHLAR_REQUIRE_DEBIAN).not.toBe('1'));
} else {
  const { path } = root;
  describe('two domains', () => {
    it('talk over a link, and not against its direction', async () => {
      await using stack = await twoDomains(path);
      // The listener is there when it says so: the shell prints, then becomes nc.
      const server = await stack.spawn(busybox('nc', '-l', '-p', '7', '-e', '/usr/bin/busybox', 'tr', 'a-z', 'A-Z'), { domain: 'server' });
      const ask = 'for try in 1 2 3 4 5 6 7 8 9; do echo over the link | busybox nc 10.13.0.1 7 && exit 0; busybox sleep 0.1; done; exit 1';
      const answer = await stack.run(busybox('sh', '-c', ask.replaceAll('busybox', '/usr/bin/busybox')), { domain: 'client' });
      expect(answer.text).toBe('OVER THE LINK\n');
      expect(answer.status).toBe(0);
      await server.exit;
      const back = await stack.run(busybox('nc', '10.13.0.2', '7'), { domain: 'server' });
      expect(back.status).not.toBe(0);
    });

    it('have files of their own', async () => {
      await using stack = await twoDomains(path);
      await stack.run(busybox('sh', '-c', 'echo mine > /tmp/file'), { domain: 'server' });
      const other = await stack.run(busybox('cat', '/tmp/file'), { domain: 'client' });
      expect([other.text, other.status]).toEqual(['', 1]);
    });
  });
}
