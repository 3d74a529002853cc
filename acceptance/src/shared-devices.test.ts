import { debianRoot } from '@ashlar/guests';
import { SessionClient } from '@ashlar/session';
import { type Stack, type StartOptions, start } from 'ashlar';
import { describe, expect, it } from 'vitest';

const root = debianRoot(['busybox-static']);
const BUSYBOX = '/usr/bin/busybox';
const shell = (script: string): string[] => [BUSYBOX, 'sh', '-c', `PATH=/usr/bin; ${script}`];
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Two domains with one root and one console; `asks` keeps no cache, `caches` believes what it knows for 100 ms and reads what is typed. */
function twoDomains(path: string, hypervisors: readonly string[], how: Partial<StartOptions> = {}): Promise<Stack> {
  const domain = (kernel: string) => ({
    kernel,
    hypervisors: [...hypervisors],
    memory: '128MiB',
    devices: { root: 'files', console: 'tty' },
    userspace: { use: ['linux'] },
  });
  return start(
    {
      ashlar: 1,
      memory: '512MiB',
      hypervisors: ['direct'],
      devices: { files: { kind: 'share', image: `dir:${path}` }, tty: { kind: 'console', input: 'caches' } },
      domains: { asks: domain('passthrough'), caches: domain('posix') },
    },
    how,
  );
}

const run = async (stack: Stack, domain: 'asks' | 'caches', script: string): Promise<readonly [string, number]> => {
  const { text, status } = await stack.run(shell(script), { domain });
  return [text, status];
};

/** A program that says so once it has done what comes first, and goes on when it is sent a line. */
async function inTwoParts(stack: Stack, domain: string, first: string, then: string) {
  const program = await stack.spawn(shell(`${first}; echo ready; read go; ${then}`), { domain });
  const reader = program.stdout.getReader();
  expect(decode((await reader.read()).value ?? new Uint8Array())).toBe('ready\n');
  reader.releaseLock();
  return program;
}

async function goOn(program: Awaited<ReturnType<Stack['spawn']>>): Promise<string> {
  const writer = program.stdin.getWriter();
  await writer.write(new TextEncoder().encode('go\n'));
  await writer.close();
  let text = '';
  for await (const chunk of program.stdout) text += decode(chunk);
  return text;
}

/** Types as soon as somebody reads. */
async function type(stack: Stack, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  while (stack.type('tty', bytes) === 0) await new Promise((resolve) => setImmediate(resolve));
}

if (root.path === undefined) {
  it(`shared devices were skipped: ${root.reason}`, () => expect(process.env.ASHLAR_REQUIRE_DEBIAN).not.toBe('1'));
} else {
  const { path } = root;
  describe.each([['direct'], ['worker']])('two domains in %s', (hypervisor) => {
    it('on one share see what the other made, changed, renamed and removed', async () => {
      await using stack = await twoDomains(path, [hypervisor]);
      expect(await run(stack, 'asks', 'mkdir /work; echo one > /work/file')).toEqual(['', 0]);
      expect(await run(stack, 'caches', 'cat /work/file')).toEqual(['one\n', 0]);
      expect(await run(stack, 'caches', 'mv /work/file /work/moved; echo two >> /work/moved')).toEqual(['', 0]);
      expect(await run(stack, 'asks', 'cat /work/moved; ls /work')).toEqual(['one\ntwo\nmoved\n', 0]);
      expect(await run(stack, 'asks', 'echo three > /work/moved; chmod 600 /work/moved; ln -s moved /work/link')).toEqual(['', 0]);
      expect(await run(stack, 'caches', 'sleep 0.2; cat /work/link; stat -c %a /work/moved')).toEqual(['three\n600\n', 0]);
      expect(await run(stack, 'asks', 'rm /work/moved')).toEqual(['', 0]);
      expect(await run(stack, 'caches', 'sleep 0.2; ls /work; cat /work/link')).toEqual(['link\n', 1]);
    });

    it('on one share keep a file that is open when the other removes its name, and take a name only once', async () => {
      await using stack = await twoDomains(path, [hypervisor]);
      await run(stack, 'asks', 'echo kept > /file');
      const opened = await inTwoParts(stack, 'asks', 'exec 3<>/file', 'cat <&3; echo more >&3; ls /file');
      expect(await run(stack, 'caches', 'rm /file; echo other > /file')).toEqual(['', 0]);
      expect(await goOn(opened)).toBe('kept\n/file\n');
      expect(await run(stack, 'caches', 'cat /file')).toEqual(['other\n', 0]);
      // A name is made once for all domains, and so can lock.
      expect(await run(stack, 'asks', 'mkdir /lock && echo mine')).toEqual(['mine\n', 0]);
      expect((await run(stack, 'caches', 'mkdir /lock'))[1]).toBe(1);
      expect((await run(stack, 'caches', 'set -C; echo x > /file'))[1]).not.toBe(0);
    });

    it('on one console: each write is whole and in order, and only the one that the config names is typed to', async () => {
      await using stack = await twoDomains(path, [hypervisor]);
      const writes: string[] = [];
      stack.on('console', (bytes) => writes.push(decode(bytes)));
      const long = 'x'.repeat(3000);
      const lines = (name: string) => Array.from({ length: 40 }, (_, index) => `${name} ${index} ${long}\n`);
      const script = (name: string) => `i=0; while [ $i -lt 40 ]; do echo "${name} $i ${long}" > /dev/console; i=$((i+1)); done`;
      const ran = await Promise.all([run(stack, 'asks', script('a')), run(stack, 'caches', script('b'))]);
      expect(ran).toEqual([
        ['', 0],
        ['', 0],
      ]);
      expect(writes.filter((each) => each.startsWith('a'))).toEqual(lines('a'));
      expect(writes.filter((each) => !each.startsWith('a'))).toEqual(lines('b'));
      const reading = run(stack, 'caches', 'head -n 1 /dev/console');
      await type(stack, 'typed\n');
      expect(await reading).toEqual(['typed\n', 0]);
      expect(await run(stack, 'asks', 'cat /dev/console')).toEqual(['', 0]);
      expect(() => stack.type('files', new Uint8Array(1))).toThrow("there is no console 'files' that anybody may type into");
    });

    it('are saved with what they share, and go on under other hypervisors', async () => {
      let image: Uint8Array;
      const pids: number[] = [];
      {
        await using stack = await twoDomains(path, [hypervisor]);
        await run(stack, 'asks', 'echo unnamed > /gone; echo named > /file');
        for (const [domain, then] of [
          ['asks', 'cat <&3; cat /from-caches'],
          ['caches', 'cat <&3; echo b > /from-caches; cat /file; head -n 1 /dev/console'],
        ] as const) {
          pids.push((await inTwoParts(stack, domain, 'exec 3</gone', then)).pid);
        }
        const reading = await stack.spawn(shell('head -n 1 /dev/console'), { domain: 'caches' });
        await type(stack, 'read before\n');
        expect((await reading.exit) as object).toEqual({ code: 0 });
        await type(stack, 'typed ahead\n');
        await run(stack, 'caches', 'rm /gone');
        image = await stack.save();
        expect(await run(stack, 'asks', 'ls /gone')).toEqual(['', 1]);
      }
      await using stack = await twoDomains(path, hypervisor === 'direct' ? ['worker', 'direct'] : [], { from: image });
      const goOnIn = async (domain: string, pid: number | undefined): Promise<string> => {
        const session = stack.session(domain);
        if (!(session instanceof SessionClient) || pid === undefined) throw new Error('the session cannot attach');
        return goOn(await session.attach(pid));
      };
      expect(await goOnIn('caches', pids[1])).toBe('unnamed\nnamed\ntyped ahead\n');
      expect(await goOnIn('asks', pids[0])).toBe('unnamed\nb\n');
      expect(await run(stack, 'asks', 'ls /gone')).toEqual(['', 1]);
    });
  });
}
