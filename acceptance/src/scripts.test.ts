import {
  debianRoot,
  GUEST_DIRECTORY,
  GUEST_FOLDER,
  guestPrograms,
  guestScripts,
  SCRIPT_FOLDER,
  type Script,
  scripts,
} from '@ashlar/guests';
import { type Stack, start } from 'ashlar';
import { describe, expect, it } from 'vitest';

const root = debianRoot(['busybox-static']);
const DEPTH_8 = ['direct', 'worker', 'direct', 'direct', 'worker', 'direct', 'direct', 'direct'];

/** Where Debian is required everything is run everywhere; elsewhere each stub once, under a different chain. */
const EVERYWHERE = process.env.ASHLAR_REQUIRE_DEBIAN === '1';
const COMBINATIONS = EVERYWHERE
  ? ['posix', 'passthrough'].flatMap((kernel) =>
      [[], ['direct'], ['worker'], ['direct', 'worker'], ['worker', 'direct'], DEPTH_8].map((chain) => ({ kernel, chain })),
    )
  : [
      { kernel: 'posix', chain: ['direct'] },
      { kernel: 'passthrough', chain: ['worker'] },
    ];

function startWith(kernel: string, chain: readonly string[], path: string): Promise<Stack> {
  return start({
    ashlar: 1,
    memory: '512MiB',
    hypervisors: [...chain],
    kernel,
    userspace: {
      image: `dir:${path}`,
      volumes: [
        { host: guestPrograms, guest: GUEST_FOLDER, readOnly: true },
        { host: guestScripts, guest: SCRIPT_FOLDER, readOnly: true },
      ],
      workdir: GUEST_DIRECTORY,
    },
  });
}

async function runScript(kernel: string, chain: readonly string[], path: string, script: Script): Promise<void> {
  const stack = await startWith(kernel, chain, path);
  try {
    const { text, stderr, status } = await stack.run(script.argv, { env: script.env, onlyEnv: true });
    const expected = script.expected();
    const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    expect({ status, text, stderr: decode(stderr) }).toEqual({
      status: expected.status,
      text: decode(expected.stdout),
      stderr: decode(expected.stderr),
    });
  } finally {
    await stack.stop();
  }
}

if (root.path === undefined) {
  it(`busybox scripts were skipped: ${root.reason}`, () => expect(process.env.ASHLAR_REQUIRE_DEBIAN).not.toBe('1'));
} else {
  const { path } = root;
  describe.each(COMBINATIONS)("Debian's busybox on $kernel under $chain says what it says on real Linux", ({ kernel, chain }) => {
    it.each(scripts)('$name: $about', (script) => runScript(kernel, chain, path, script));
  });
}
