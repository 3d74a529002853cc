import { fileURLToPath } from 'node:url';

/** This package's folder, with a slash at its end: the sources, programs and recorded results lie beside `src` and `dist`. */
export const PACKAGE_FOLDER: string = fileURLToPath(new URL('../', import.meta.url));

/** The C sources, the compiled programs, the shell scripts, the project that bundlers are given, and the recorded results. */
export const FOLDERS = {
  elf: `${PACKAGE_FOLDER}elf/`,
  wasm: `${PACKAGE_FOLDER}wasm/`,
  programs: `${PACKAGE_FOLDER}bin/`,
  scripts: `${PACKAGE_FOLDER}scripts/`,
  project: `${PACKAGE_FOLDER}project/`,
  expected: `${PACKAGE_FOLDER}expected/`,
} as const;

/** The scripts that get Debian packages and run a real Linux kernel; they exist only in the repository, not in the published package. */
export const DEBIAN_SCRIPTS: string = fileURLToPath(new URL('../../../scripts/debian/', import.meta.url));
