// CPU milliseconds of small C programs under qemu-riscv64, the interpreter and the translator, interleaved; medians. Prints a table and JSON.
// Usage, after a build: node packages/hardware/cpu-riscv64/bench/cpu.mjs [runs] [program…]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const runs = Number(process.argv[2] ?? 3);
const programs = process.argv.length > 3 ? process.argv.slice(3) : ['mix', 'fib', 'memory', 'nbody'];
const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ashlar-bench-'));
const flags = ['-O2', '-nostdlib', '-static', '-fno-math-errno', '-fno-tree-loop-distribute-patterns', '-Wl,--no-relax'];
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** CPU time of a process, and what it wrote. */
function timed(command, env = {}) {
  const { stdout, stderr, status } = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; time ${command}`], { env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  const [user, system] = stderr.toString().trim().split('\n').at(-1).split(' ').map(Number);
  return { ms: (user + system) * 1000, text: stdout.toString() };
}

const rows = [];
for (const name of programs) {
  const program = join(folder, name);
  execFileSync('riscv64-linux-gnu-gcc', [...flags, '-o', program, join(here, `${name}.c`)]);
  const own = (translate) => [`node ${join(here, 'program.mjs')} ${program}`, { ASHLAR_TRANSLATE: translate }];
  const ways = { qemu: [`qemu-riscv64 ${program}`], interpreter: own('off'), translator: own('hot') };
  const times = { qemu: [], interpreter: [], translator: [] };
  const texts = new Set();
  for (let i = 0; i < runs; i++) {
    for (const [way, [command, env]] of Object.entries(ways)) {
      const { ms, text } = timed(command, env);
      times[way].push(ms);
      texts.add(text);
    }
  }
  if (texts.size !== 1) throw new Error(`${name}: not the same everywhere: ${[...texts]}`);
  const row = { name, qemu: median(times.qemu), interpreter: median(times.interpreter), translator: median(times.translator) };
  rows.push({ ...row, ratio: row.qemu / row.translator });
}
rmSync(folder, { recursive: true });
console.log('program      qemu ms  interpreter ms  translator ms  qemu / translator');
for (const r of rows) {
  const cells = [
    r.name.padEnd(10),
    r.qemu.toFixed(0).padStart(9),
    r.interpreter.toFixed(0).padStart(15),
    r.translator.toFixed(0).padStart(14),
  ];
  console.log(`${cells.join(' ')} ${r.ratio.toFixed(2).padStart(17)}`);
}
console.log(JSON.stringify(rows));
