import { TrapAnswer, type TrapHandler } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { assemble, Rig } from './rig.test.support.ts';

const FACTORIAL = assemble(`(module
  (import "env" "emit" (func $emit (param i32 i64)))
  (import "env" "next" (func $next (result i32)))
  (memory 1)
  (global $seen (mut i32) (i32.const 0))
  (func $fact (param $n i64) (result i64)
    (if (result i64) (i64.eqz (local.get $n))
      (then (i64.const 1))
      (else (i64.mul (local.get $n) (call $fact (i64.sub (local.get $n) (i64.const 1)))))))
  (func (export "_start") (local $i i32)
    (loop $more
      (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
      (call $emit (local.get $i) (i64.add (call $fact (i64.extend_i32_u (local.get $i))) (i64.extend_i32_u (global.get $seen))))
      (local.set $i (i32.add (local.get $i) (call $next)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 20)))))
)`);

/** What the program says, whatever it is interrupted by. */
function transcript(log: string[], answer: (log: string[]) => TrapAnswer): TrapHandler {
  return (context, trap) => {
    const at = context as Rig['context'];
    if (trap.cause !== 'syscall') {
      log.push(trap.cause);
      return TrapAnswer.LEAVE;
    }
    const given = answer(log);
    if (given === TrapAnswer.LEAVE) return given;
    const { name } = at.imports[at.importIndex]!;
    log.push(name === 'emit' ? `${at.args[0]}:${BigInt.asUintN(32, BigInt(at.args[1]!)) + (BigInt(at.args[2]!) << 32n)}` : name);
    at.results[0] = 1;
    at.complete();
    return given;
  };
}

const fact = (n: bigint): bigint => (n === 0n ? 1n : n * fact(n - 1n));
const EXPECTED = Array.from({ length: 20 }, (_, i) => [`${i}:${fact(BigInt(i)) + BigInt(i + 1)}`, 'next']).flat();

describe('mode precise', () => {
  it('runs to the end', () => {
    const rig = new Rig(FACTORIAL);
    const log: string[] = [];
    expect(rig.run(transcript(log, () => TrapAnswer.RESUME))).toBe('halted');
    expect(log).toEqual(EXPECTED);
  });

  it('parks at each call and is asked again', () => {
    const rig = new Rig(FACTORIAL);
    const log: string[] = [];
    let asked = 0;
    const handler = transcript(log, () => (asked++ % 3 < 2 ? TrapAnswer.LEAVE : TrapAnswer.RESUME));
    let exits = 0;
    while (rig.run(handler) === 'left') exits++;
    expect(exits).toBe(80);
    expect(log).toEqual(EXPECTED);
  });

  it('is preempted with every budget, and counts the same', () => {
    const whole = new Rig(FACTORIAL);
    whole.run(transcript([], () => TrapAnswer.RESUME));
    for (const budget of [1, 2, 3, 7, 20, 100, 1000]) {
      let rig = new Rig(FACTORIAL);
      const log: string[] = [];
      const handler = transcript(log, () => TrapAnswer.RESUME);
      let runs = 1;
      while (rig.run(handler, budget) === 'budget') {
        expect(rig.context.retired).toBe(runs * budget);
        if (runs++ % 50 === 0) rig = rig.moved();
      }
      expect(log).toEqual(EXPECTED);
      expect(rig.context.retired).toBe(whole.context.retired);
    }
  });
});
