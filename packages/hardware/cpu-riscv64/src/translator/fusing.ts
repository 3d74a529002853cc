import { withBranchHints, withTieringBudget, withV8Flag } from '../v8-flags.ts';
import { fusingProbe } from './fusing-probe.ts';

/** How modules with relaxed SIMD are compiled: as others are, under a flag, or not at all. */
type Way = 'plainly' | 'flagged' | 'never';

let known: Way | undefined;

/**
 * Whether the host has f64x2.relaxed_madd and f32x4's and rounds once in them. The relaxed SIMD proposal lets a host round twice, so this is found out by a
 * product whose last bit only a single rounding keeps. Asked once in a process.
 */
export function hostFuses(): boolean {
  known ??= probe();
  return known !== 'never';
}

/** Optimising translated code costs the host some 25 µs an instruction, and saves 1 ns each time: more than ten times its usual budget pays for it. */
const BUDGET = 20_000_000;

/** Compiles a module that may use relaxed_madd if {@link hostFuses}. */
export function compileFusing(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  return underOurFlags(() => new WebAssembly.Module(bytes));
}

/** Runs what makes a module with the flags that our modules need. Machine code of a module is for one set of flags, too. */
export function underOurFlags<T>(make: () => T): T {
  const hinted = (): T => withBranchHints(() => withTieringBudget(BUDGET, make));
  return known === 'flagged' ? withRelaxedSimd(hinted) : hinted();
}

/** Node 20 has relaxed SIMD behind a flag, which counts when a module is compiled; newer ones and browsers have it anyway. */
function withRelaxedSimd<T>(make: () => T): T {
  return withV8Flag('--experimental-wasm-relaxed-simd', '--no-experimental-wasm-relaxed-simd', make);
}

function probe(): Way {
  const bytes = fusingProbe();
  if (WebAssembly.validate(bytes)) return roundsOnce(new WebAssembly.Module(bytes)) ? 'plainly' : 'never';
  const compiled = withRelaxedSimd(() => (WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined));
  return compiled !== undefined && roundsOnce(compiled) ? 'flagged' : 'never';
}

function roundsOnce(module: WebAssembly.Module): boolean {
  const memory = new WebAssembly.Memory({ initial: 0 });
  type Madd = (a: number, b: number, c: number) => number;
  const { madd, madd32 } = new WebAssembly.Instance(module, { env: { memory } }).exports as { madd: Madd; madd32: Madd };
  // (1 + ε)² is 1 + 2ε + ε²; rounded on the way, the last term is lost.
  const fuses = (multiplyAdd: Madd, epsilon: number): boolean => multiplyAdd(1 + epsilon, 1 + epsilon, -(1 + 2 * epsilon)) === epsilon ** 2;
  return fuses(madd, 2 ** -52) && fuses(madd32, 2 ** -23);
}
