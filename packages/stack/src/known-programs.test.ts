import { describe, expect, it } from 'vitest';
import { knownNeeds, scriptNeeds } from './known-programs.ts';

describe('what is known of programs', () => {
  const shell = ['process', 'signal', 'descriptor'];
  it.each([
    [['/bin/sh', '-c', 'x'], shell],
    [['bash'], shell],
    [['/usr/bin/busybox', 'ash'], shell],
    [['busybox', '/bin/dash'], shell],
    [['/usr/bin/busybox', 'cat', 'sh'], []],
    [['busybox'], []],
    [['/opt/shell'], []],
    [[], []],
  ])('%j', (argv, needs) => expect(knownNeeds(argv)).toEqual(needs));

  it('a script needs the process group, and what its interpreter needs', () => {
    expect(scriptNeeds('/usr/bin/awk')).toEqual(['process']);
    expect(scriptNeeds('/bin/sh')).toEqual(shell);
  });
});
