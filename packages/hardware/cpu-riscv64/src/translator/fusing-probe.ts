import { f32, f64 } from '../wasm/expression.ts';
import { ModuleBuilder } from '../wasm/module.ts';

/** A module whose `madd(a, b, c)` is f64x2.relaxed_madd: a · b + c, rounded once or twice; and `madd32` f32x4's. */
export function fusingProbe(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(0);
  module.function(['f64', 'f64', 'f64'], 'f64', (code, [a, b, c]) => code.return(f64.relaxedMadd(a, b, c)), 'madd');
  module.function(['f32', 'f32', 'f32'], 'f32', (code, [a, b, c]) => code.return(f32.relaxedMadd(a, b, c)), 'madd32');
  return module.finish();
}
