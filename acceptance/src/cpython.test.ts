import { debianRoot } from '@ashlar/guests';
import { start } from 'ashlar';
import { expect, it } from 'vitest';

/** Debian's Python 3.13 and the tests that come with it. */
const root = debianRoot(['python3', 'libpython3.13-testsuite']);
/** Of its tests those that compute: with numbers of both kinds, and what texts and bytes become of them. */
const MODULES = ['test_float', 'test_math', 'test_cmath', 'test_complex', 'test_strtod', 'test_struct'];

if (root.path === undefined) {
  it(`the tests of CPython were skipped: ${root.reason}`, () => expect(process.env.ASHLAR_REQUIRE_DEBIAN).not.toBe('1'));
} else {
  const { path } = root;
  it("Debian's CPython passes its own tests", { timeout: 600_000 }, async () => {
    await using stack = await start({ ashlar: 1, userspace: { image: `dir:${path}` } });
    const argv = ['/usr/bin/python3', '-m', 'test', '--randseed=1', ...MODULES];
    const { text, status } = await stack.run(argv, { env: { HOME: '/tmp', PYTHONHASHSEED: '1' } });
    expect(text).toContain(`Total test files: run=${MODULES.length}/${MODULES.length}\nResult: SUCCESS`);
    expect(status).toBe(0);
  });
}
