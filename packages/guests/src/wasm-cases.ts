import type { GuestCase } from './guest.ts';

/** Why a trap's status is stated by hand: hosts of WASI differ in it, and Linux cannot run wasm. */
const TRAP = 'a trap ends a program as the same fault ends an ELF program on Linux';

/** The WASI preview 1 programs; sources in `wasm/`. */
export const WASM_CASES: readonly GuestCase[] = [
  { name: 'wasi-hello', program: 'hello.wasm', about: 'one write', needs: [] },
  {
    name: 'wasi-args',
    program: 'args.wasm',
    about: 'arguments and environment',
    arguments: ['one', '', 'two words', 'ünïcode'],
    env: { PATH: '/bin', EMPTY: '', NAME: 'a=b' },
    needs: [],
  },
  { name: 'wasi-exit', program: 'end.wasm', about: 'proc_exit(42)', arguments: ['exit', '42'], needs: [] },
  { name: 'wasi-return', program: 'end.wasm', about: '_start returns', arguments: ['return'], needs: [] },
  {
    name: 'wasi-unreachable',
    program: 'end.wasm',
    about: 'the unreachable instruction',
    arguments: ['unreachable'],
    needs: [],
    byHand: { stdout: 'before\n', status: 132, reason: `${TRAP}: SIGILL` },
  },
  {
    name: 'wasi-out-of-bounds',
    program: 'end.wasm',
    about: 'a store behind the end of memory',
    arguments: ['memory'],
    needs: [],
    byHand: { stdout: 'before\n', status: 139, reason: `${TRAP}: SIGSEGV` },
  },
  {
    name: 'wasi-stack',
    program: 'end.wasm',
    about: 'the stack in linear memory overflows below address 0',
    arguments: ['stack'],
    needs: [],
    byHand: { stdout: 'before\n', status: 139, reason: `${TRAP}: SIGSEGV` },
  },
  {
    name: 'wasi-upper',
    program: 'upper.wasm',
    about: 'a filter that blocks on standard input',
    stdin: 'abc XYZ\nünï\n'.repeat(2000),
    needs: ['file'],
  },
  { name: 'wasi-lines', program: 'lines.wasm', about: 'a producer of 200 lines', arguments: ['200'], needs: [] },
  {
    name: 'wasi-count',
    program: 'count.wasm',
    about: 'counts its input like wc',
    stdin: 'a few words\nand lines\n'.repeat(300),
    needs: ['file'],
  },
  { name: 'wasi-files', program: 'files.wasm', about: 'files through a pre-opened directory', needs: ['file'] },
  { name: 'wasi-directories', program: 'directories.wasm', about: 'directories and symbolic links', needs: ['file'] },
  { name: 'wasi-escape', program: 'escape.wasm', about: 'no path leads out of a pre-opened directory', needs: ['file'] },
  { name: 'wasi-descriptors', program: 'descriptors.wasm', about: 'fdstat, renumbering, bad descriptors', needs: ['file', 'descriptor'] },
  { name: 'wasi-clocks', program: 'clocks.wasm', about: 'clocks move forward, sleeping by poll_oneoff', needs: ['time', 'poll'] },
  { name: 'wasi-random', program: 'random.wasm', about: 'random_get', needs: ['system'] },
  { name: 'wasi-poll', program: 'poll.wasm', about: 'poll_oneoff over clocks and descriptors', needs: ['poll', 'time'] },
  { name: 'wasi-memory', program: 'memory.wasm', about: 'linear memory grows', needs: [] },
  { name: 'wasi-compute', program: 'compute.wasm', about: 'an integer and floating-point mix', needs: [] },

  // ELF and wasm processes in one pipeline
  {
    name: 'pipeline-mixed',
    program: 'pipeline',
    about: 'ELF | wasm | ELF',
    arguments: ['/guests/lines', '500', '--', '/guests/upper.wasm', '--', '/guests/upper'],
    needs: ['process', 'file', 'descriptor'],
    recordAs: {
      arguments: ['/guests/lines', '500', '--', '/guests/upper', '--', '/guests/upper'],
      reason: 'upper and upper.wasm are the same filter',
    },
  },
  {
    name: 'pipeline-wasm-first',
    program: 'pipeline',
    about: 'wasm | ELF | wasm',
    arguments: ['/guests/lines.wasm', '500', '--', '/guests/upper', '--', '/guests/upper.wasm'],
    needs: ['process', 'file', 'descriptor'],
    recordAs: {
      arguments: ['/guests/lines', '500', '--', '/guests/upper', '--', '/guests/upper'],
      reason: 'lines and lines.wasm, upper and upper.wasm are the same programs',
    },
  },
];
