import { dirname, join } from 'node:path';
import { debianRoot } from '@ashlar/guests';
import { BENCH_CACHE } from './build.ts';
import { smallFile, textFile, xzOf } from './inputs.ts';
import { type NpmPackage, unpacked } from './npm-package.ts';
import type { Program } from './tools.ts';

/** A static riscv64 program that others built, on input of some size. Paths are the same inside and outside. */
export interface RealProgram extends Program {
  readonly name: string;
}

const ESBUILD: NpmPackage = {
  name: '@esbuild/linux-riscv64',
  version: '0.28.2',
  integrity: 'sha512-GeXCej4IQtU1B+QlDV8W/RRvbzI3O/Stss+/bCXv4lZls5WGRtu2a+3JkA3i4qIUlMXpcHebWpF8AkJhATowuA==',
};
const TSC: NpmPackage = {
  name: '@typescript/typescript-linux-riscv64',
  version: '7.0.2',
  integrity: 'sha512-wf0jqEDOjrPRnKwYRyyJDRo11KMbvMFrU+q4zqKyChODBzvlkbhNQfKvLxQCcwTpdDaXSHZTVuh0JoCrKCUMHQ==',
};
const THREE: NpmPackage = {
  name: 'three',
  version: '0.180.0',
  integrity: 'sha512-o+qycAMZrh+TsE01GqWUxUIKR1AL0S8pq7zDkYOQw8GqfX8b8VoCKYUoHbhiX5j+7hr8XsuHDVU6+gkQJQKg9w==',
};
const RXJS: NpmPackage = {
  name: 'rxjs',
  version: '7.8.2',
  integrity: 'sha512-dhKf903U/PQZY6boNNtAGdWbG85WAbjT/1xYoZIC7FAY0yWapOBQVsVrDl58W86//e1VpMNBtRV4MaXfdMySFA==',
};

const TEXT_BYTES = 20_000_000;

function debian(packageName: string, path: string): string {
  const root = debianRoot([packageName]);
  if (root.path === undefined) throw new Error(root.reason);
  return join(root.path, path);
}

function program(name: string, path: string, args: readonly string[]): RealProgram {
  return { name, path, args, folders: [dirname(path), BENCH_CACHE], workdir: BENCH_CACHE, memory: '2GiB' };
}

/** 50,000 times: arithmetic, a comparison, a case, an expansion. Only what the shell itself does. */
const SHELL_LOOP = `
i=0 total=0 text=
while [ $i -lt 50000 ]; do
  case $i in *00) text=$text. ;; *5) total=$((total ^ i)) ;; esac
  name=file$i.c
  [ "\${name%.c}" = file77 ] && echo "$name"
  i=$((i + 1))
done
echo $total \${#text}`;

const BASH_WORDS = `
declare -A counts
while read -r number word rest; do ((counts[$word]++, sum += number)); done
for word in "\${!counts[@]}"; do ((counts[$word] > 100)) && lines+=("$word \${counts[$word]}"); done
echo $sum \${#counts[@]} \${#lines[@]}`;

const BASH_STRINGS = `
for ((i = 0; i < 4000; i++)); do
  s="item-$i-\${s:0:20}"; [[ $s =~ ^item-([0-9]+)-(.*)$ ]] && n=\${BASH_REMATCH[1]}
  t=\${s//item/x}; u=\${t^^}; a[i % 100]=\${u#X-}; ((sum += n + \${#u}))
done
echo $sum "\${a[@]}"`;

const AWK =
  '{ n[$2]++; s[$2] += $3; if ($1 > m) m = $1; l += length($0) } END { for (w in n) if (n[w] > 900) k += n[w] * s[w]; printf "%d %d %.3f\\n", m, l, k }';

/** Busybox, each by the name of its applet. */
function busybox(): RealProgram[] {
  const path = debian('busybox-static', 'usr/bin/busybox');
  const text = textFile(TEXT_BYTES);
  return [
    program('busybox-gzip', path, ['gzip', '-c', text]),
    program('busybox-xz', path, ['xz', '-dc', xzOf(text, `text-1-${TEXT_BYTES}.xz`)]),
    program('busybox-sha256sum', path, ['sha256sum', text]),
    program('busybox-sort', path, ['sort', text]),
    program('busybox-awk', path, ['awk', AWK, text]),
    program('busybox-loop', path, ['sh', '-c', SHELL_LOOP]),
  ];
}

function bash(): RealProgram[] {
  const path = debian('bash-static', 'usr/bin/bash-static');
  const lines = textFile(TEXT_BYTES / 20);
  return [
    program('bash-loop', path, ['-c', SHELL_LOOP]),
    program('bash-words', path, ['-c', `exec <${lines}${BASH_WORDS}`]),
    program('bash-strings', path, ['-c', BASH_STRINGS]),
  ];
}

/** esbuild bundles three.js with all its add-ons. */
export function esbuild(): RealProgram {
  const three = unpacked(THREE);
  return program('esbuild', join(unpacked(ESBUILD), 'bin', 'esbuild'), [
    join(three, 'examples', 'jsm', 'Addons.js'),
    `--alias:three=${join(three, 'src', 'Three.js')}`,
    ...['--bundle', '--minify', '--format=esm', '--sourcemap=inline', '--log-level=error'],
  ]);
}

/** TypeScript 7's compiler checks the sources of RxJS; it finds errors, because its library is newer. */
export function tsc(): RealProgram {
  const config = {
    compilerOptions: {
      target: 'ES2020',
      module: 'ES2020',
      moduleResolution: 'bundler',
      strict: true,
      noEmit: true,
      lib: ['ES2020', 'DOM'],
      types: [],
    },
    include: [`${join(unpacked(RXJS), 'src')}/**/*.ts`],
  };
  const file = smallFile('rxjs', 'tsconfig.json', JSON.stringify(config));
  return program('tsc', join(unpacked(TSC), 'lib', 'tsc'), ['--pretty', 'false', '--listFiles', '-p', file]);
}

/** All that are measured. The first call downloads and makes what they need. */
export function realPrograms(): readonly RealProgram[] {
  return [...busybox(), ...bash(), esbuild(), tsc()];
}
