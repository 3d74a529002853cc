import { f64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';

let known: boolean | undefined;

/**
 * Whether the host has f64x2.relaxed_madd and rounds once in it. The relaxed SIMD proposal lets a host round twice, so this is found out by a
 * product whose last bit only a single rounding keeps. Asked once in a process.
 */
export function hostFuses(): boolean {
  known ??= probe();
  return known;
}

/** Node 20 has relaxed SIMD behind a flag, which may be set while it runs; newer ones and browsers have it anyway. */
function allowRelaxedSimd(): void {
  const { process } = globalThis as { readonly process?: { readonly getBuiltinModule?: (id: string) => unknown } };
  const v8 = process?.getBuiltinModule?.('node:v8') as { setFlagsFromString(flags: string): void } | undefined;
  v8?.setFlagsFromString('--experimental-wasm-relaxed-simd');
}

function probe(): boolean {
  const module = new ModuleBuilder(0);
  module.function(['f64', 'f64', 'f64'], 'f64', (code, [a, b, c]) => code.return(f64.relaxedMadd(a, b, c)), 'madd');
  const bytes = module.finish();
  if (!WebAssembly.validate(bytes)) allowRelaxedSimd();
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 0 });
  const { madd } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as {
    madd: (a: number, b: number, c: number) => number;
  };
  const a = 1 + 2 ** -52;
  // a² is 1 + 2⁻⁵¹ + 2⁻¹⁰⁴; rounded on the way, the last term is lost.
  return madd(a, a, -(1 + 2 ** -51)) === 2 ** -104;
}
