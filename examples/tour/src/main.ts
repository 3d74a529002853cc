import { fileURLToPath } from 'node:url';
import { DISTRIBUTION, LOADER_MODULE, PluginRegistry, picture, prepareFile, type Stack, startPrepared } from 'ashlar';

/** One stack of the tour, and what its program must say. */
interface Stop {
  readonly title: string;
  readonly file: string;
  /** The right output, from elsewhere than the stack. */
  readonly expected: () => Promise<string>;
  readonly source: string;
}

const example = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The host's own esbuild, of the same version, on the same project. */
async function hostBundle(): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: example('bundle'),
    entryPoints: ['project/src/main.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

const STOPS: readonly Stop[] = [
  { title: 'A riscv64 Linux program from npm', file: 'bundle/stack.yaml', expected: hostBundle, source: "the host's own esbuild" },
  { title: 'A WASI program from npm', file: 'wasi/stack.yaml', expected: hostBundle, source: "the host's own esbuild" },
  {
    title: 'A pipeline through two instruction sets',
    file: 'pipeline/stack.yaml',
    expected: async () => [1, 2, 3].map((n) => `LINE ${n} OF 3: THE QUICK BROWN FOX\n`).join(''),
    source: 'what the two programs are known to say',
  },
];

/** Runs one stop; whether its program said the right thing. */
async function visit(stop: Stop): Promise<boolean> {
  const prepared = await prepareFile(example(stop.file), new PluginRegistry(DISTRIBUTION));
  console.log(`\n${stop.title}: examples/${stop.file}\n${picture(prepared.plan)}`);
  const imagesFrom = performance.now();
  const stack: Stack = await startPrepared(prepared, { registry: prepared.registry, loaderModule: LOADER_MODULE });
  try {
    const argv = stack.plan.leaves[0]?.run ?? [];
    console.log(`$ ${argv.join(' ')}`);
    const startedAt = performance.now();
    const { text, status, stderr } = await stack.run(argv);
    const endedAt = performance.now();
    const right = text === (await stop.expected());
    console.log(text.split('\n').slice(0, 6).join('\n'));
    console.log(right ? `✓ equal to ${stop.source}, ${text.length} bytes` : `✗ differs from ${stop.source} (status ${status})`);
    if (!right) console.log(new TextDecoder().decode(stderr));
    console.log(`  image and stack ready in ${ms(startedAt - imagesFrom)}, program ran in ${ms(endedAt - startedAt)}`);
    return right;
  } finally {
    await stack.stop();
  }
}

const ms = (value: number): string => (value < 1000 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(2)} s`);

// A reader that has seen enough (`npm start | head`) is no error.
process.stdout.on('error', () => process.exit());

let wrong = 0;
for (const stop of STOPS) wrong += (await visit(stop)) ? 0 : 1;
console.log(`\n${STOPS.length - wrong} of ${STOPS.length} stacks ran as they should.`);
process.exitCode = wrong === 0 ? 0 : 1;
