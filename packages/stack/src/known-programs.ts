import type { FeatureGroup } from '@ashlar/kernel-stub';

/**
 * What is known of programs before they start. A shell starts processes, connects them by pipes and hears of their end by signals; that is what it is
 * for, so it is known by its name alone.
 */
const SHELLS: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'csh', 'dash', 'fish', 'hush', 'ksh', 'mksh', 'rbash', 'tcsh', 'zsh']);
const SHELL_NEEDS: readonly FeatureGroup[] = ['process', 'signal', 'descriptor'];
/** Programs that are another one by their first argument. */
const MULTICALL: ReadonlySet<string> = new Set(['busybox', 'toybox']);

/** Feature groups that the program of an argument vector is known to need beside what its personality does; none for one that is not known. */
export function knownNeeds([program, ...rest]: readonly string[]): readonly FeatureGroup[] {
  if (program === undefined) return [];
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (MULTICALL.has(name)) return knownNeeds(rest.slice(0, 1));
  return SHELLS.has(name) ? SHELL_NEEDS : [];
}

/** What starting a `#!` script takes: the kernel executes its interpreter (S-13), which may be a shell. */
export const scriptNeeds = (interpreter: string): readonly FeatureGroup[] => [
  ...new Set(['process' as const, ...knownNeeds([interpreter])]),
];
