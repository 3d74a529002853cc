/**
 * wasi-host.js PROGRAM PREOPENS ARGV ENV — runs one WASI program under Node's own node:wasi. PREOPENS (folders of this host by
 * the names that the program sees), ARGV and ENV are JSON. A process per program: node:wasi gives the program this process's streams, and ends it.
 */
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [program = '', preopens = '{}', argv = '[]', env = '{}'] = process.argv.slice(2);
const wasi = new WASI({
  version: 'preview1',
  args: JSON.parse(argv) as string[],
  env: JSON.parse(env) as Record<string, string>,
  preopens: JSON.parse(preopens) as Record<string, string>,
  returnOnExit: false,
});
const module = await WebAssembly.compile(readFileSync(program));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport } as WebAssembly.Imports);
wasi.start(instance);
