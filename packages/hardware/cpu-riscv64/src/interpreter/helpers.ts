import type { HelperName } from '../isa/instruction.ts';
import * as Layout from '../layout.ts';
import type { Callee } from '../wasm/code.ts';
import { type I32, i32, i64 } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module.ts';

/** User-level CSRs: unprivileged ISA manual, chapters 7, 8 and 20. */
const Csr = { FFLAGS: 0x001, FRM: 0x002, FCSR: 0x003, CYCLE: 0xc00, TIME: 0xc01, INSTRET: 0xc02 } as const;

/** Functions that integer instructions share. */
export function integerHelpers(module: ModuleBuilder): { readonly helpers: Map<HelperName, Callee>; readonly mulhu: Callee } {
  const mulhu = highProduct(module);
  const helpers = new Map<HelperName, Callee>([
    ['mulhu', mulhu],
    ['csrRead', csrRead(module)],
    ['csrWrite', csrWrite(module)],
  ]);
  return { helpers, mulhu };
}

/** High 64 bits of an unsigned product, from four products of halves. */
function highProduct(module: ModuleBuilder): Callee {
  return module.function(['i64', 'i64'], 'i64', (code, [a, b]) => {
    const low32 = i64.words(0, -1);
    const half = i64.const(32);
    const a0 = code.let(i64.and(a, low32));
    const a1 = code.let(i64.shrU(a, half));
    const b0 = code.let(i64.and(b, low32));
    const b1 = code.let(i64.shrU(b, half));
    const middle = code.let(i64.add(i64.mul(a1, b0), i64.shrU(i64.mul(a0, b0), half)));
    const carry = code.let(i64.add(i64.and(middle, low32), i64.mul(a0, b1)));
    code.return(i64.add(i64.add(i64.mul(a1, b1), i64.shrU(middle, half)), i64.shrU(carry, half)));
    code.unreachable();
  });
}

/** Value of a CSR; −1 if there is none of that number. Instructions so far, not clocks, are what this CPU's counters count. */
function csrRead(module: ModuleBuilder): Callee {
  return module.function(['i32'], 'i64', (code, [number]) => {
    const is = (n: number): I32 => i32.eq(number, i32.const(n));
    const fcsr = i32.load(i32.const(0), Layout.FCSR);
    code.if(is(Csr.FFLAGS), () => code.return(i64.extendU(i32.and(fcsr, i32.const(0x1f)))));
    code.if(is(Csr.FRM), () => code.return(i64.extendU(i32.shrU(fcsr, i32.const(5)))));
    code.if(is(Csr.FCSR), () => code.return(i64.extendU(fcsr)));
    const counter = i32.and(i32.geU(number, i32.const(Csr.CYCLE)), i32.leU(number, i32.const(Csr.INSTRET)));
    code.if(counter, () =>
      code.return(i64.sub(i64.load(i32.const(0), Layout.RETIRED_END), i64.extendU(i32.load(i32.const(0), Layout.FUEL)))),
    );
    code.return(i64.const(-1));
    code.unreachable();
  });
}

/** Writes a CSR; 1 if it is read-only. The caller has read it, so it exists. */
function csrWrite(module: ModuleBuilder): Callee {
  return module.function(['i32', 'i64'], 'i32', (code, [number, value]) => {
    const is = (n: number): I32 => i32.eq(number, i32.const(n));
    const fcsr = i32.load(i32.const(0), Layout.FCSR);
    const low = i32.wrap(value);
    const put = (next: I32): void => {
      code.store('i32', i32.const(0), next, Layout.FCSR);
      code.return(i32.const(0));
    };
    code.if(is(Csr.FFLAGS), () => put(i32.or(i32.and(fcsr, i32.const(0xe0)), i32.and(low, i32.const(0x1f)))));
    code.if(is(Csr.FRM), () => put(i32.or(i32.and(fcsr, i32.const(0x1f)), i32.shl(i32.and(low, i32.const(7)), i32.const(5)))));
    code.if(is(Csr.FCSR), () => put(i32.and(low, i32.const(0xff))));
    code.return(i32.const(1));
    code.unreachable();
  });
}
