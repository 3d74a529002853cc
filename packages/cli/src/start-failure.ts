import { statusOfStartError } from './exit-status.ts';
import { stderr } from './output.ts';

/** By errno: what is wrong with the program, and what to do. */
const START_ERRORS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOENT: ['there is no such program in the image', 'images and volumes are all that the program can see'],
  ENOTDIR: ['a part of its path is not a directory', 'images and volumes are all that the program can see'],
  EACCES: ['it is not executable', 'give the file execute permission (chmod +x)'],
  ENOEXEC: ['no personality recognises it', 'use a static riscv64 Linux program, a WASI module or a #! script'],
  EISDIR: ['it is a directory', 'name a program in it'],
  ENOSYS: [
    'it is dynamically linked, and the kernel stub loads single files only',
    'use a static program, or a stub such as --kernel posix',
  ],
  ENOMEM: ['there is not enough memory for it', 'give more with --memory'],
};

/** Says why a program could not be started, and gives the status of that; rethrows what is no error of the program. */
export function startFailed(error: unknown, program: readonly string[]): number {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || code === 'ECONNRESET') throw error;
  const [why, hint] = START_ERRORS[code] ?? [code, 'run again with --debug to see where'];
  stderr.say(`ashlar: ${program[0]}: ${why}\n  hint: ${hint}\n`);
  return statusOfStartError(code);
}
