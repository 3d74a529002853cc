import { type Trap, TrapAnswer, type TrapHandler, type Wasm32Context } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Wasm32Cpu } from './cpu.ts';
import { assemble, Rig, TestAccount } from './rig.test.support.ts';

const program = (body: string, more = ''): Uint8Array =>
  assemble(
    `(module (import "env" "call" (func $call (param i32) (result i32))) (memory 1 3) ${more} (func (export "_start") (local $i i32) ${body}))`,
  );

/** Runs to the first fault or the end; tells causes and what `call` was given. */
function run(rig: Rig, budget?: number): { exit: string; seen: (string | number)[]; trap: Trap | undefined } {
  const seen: (string | number)[] = [];
  let trap: Trap | undefined;
  const handler: TrapHandler = (context, record) => {
    if (record.cause !== 'syscall') {
      trap = { ...record };
      return TrapAnswer.LEAVE;
    }
    const at = context as Wasm32Context;
    seen.push(at.args[0]!);
    at.complete();
    return TrapAnswer.RESUME;
  };
  const exit = rig.run(handler, budget);
  return { exit, seen, trap };
}

describe('faults of the program', () => {
  it.each([
    ['unreachable', 'unreachable', 'illegal'],
    ['division by zero', 'i32.const 1 local.get $i i32.div_u drop', 'illegal'],
    ['an integer that overflows', 'f64.const 1e99 i32.trunc_f64_s drop', 'illegal'],
    ['a load out of bounds', 'i32.const 65536 i32.load drop', 'fault'],
    ['a fill out of bounds', 'i32.const 65530 local.get $i i32.const 100 memory.fill', 'fault'],
    ['a call through an empty table', 'i32.const 0 call_indirect', 'illegal'],
  ])('%s', (_, body, cause) => {
    const rig = new Rig(program(`i32.const 1 call $call drop ${body} i32.const 2 call $call drop`, '(table 1 funcref)'));
    const first = run(rig);
    expect(first).toMatchObject({ exit: 'left', seen: [1], trap: { cause } });
    // The context stays at its fault, also when moved.
    expect(run(rig).trap).toEqual(first.trap);
    expect(run(rig.moved()).trap).toEqual(first.trap);
  });

  it('recursion without end is a fault, and the handler always has room', () => {
    const deep = program('call $deep', '(func $deep i32.const 7 call $call drop call $deep)');
    const rig = new Rig(deep);
    let calls = 0;
    const needsRoom = (depth: number): number => (depth === 0 ? 0 : 1 + needsRoom(depth - 1));
    let cause = '';
    const exit = rig.run((context, trap) => {
      if (trap.cause !== 'syscall') {
        cause = trap.cause;
        return TrapAnswer.LEAVE;
      }
      calls++;
      if (calls % 100 === 0) needsRoom(200);
      (context as Wasm32Context).complete();
      return TrapAnswer.RESUME;
    });
    expect([exit, cause]).toEqual(['left', 'fault']);
    expect(calls).toBeGreaterThan(1000);
    expect(run(new Rig(program('i32.const 3 call $call drop'))).seen).toEqual([3]);
  });

  it("an error of the handler is the host's, and is not taken for a fault", () => {
    const rig = new Rig(program('i32.const 1 call $call drop'));
    expect(() =>
      rig.run(() => {
        throw new TypeError('of the host');
      }),
    ).toThrow('of the host');
  });

  it('a straight line is preempted too', () => {
    const rig = new Rig(program(`${'local.get $i i32.const 1 i32.add local.set $i '.repeat(5000)} local.get $i call $call drop`));
    let runs = 0;
    for (;;) {
      const { exit, seen } = run(rig, 1000);
      if (exit === 'halted') {
        expect(seen).toEqual([5000]);
        break;
      }
      expect(exit).toBe('budget');
      runs++;
    }
    expect(runs).toBe(Math.floor(rig.context.retired / 1000));
    expect(rig.context.retired).toBeGreaterThanOrEqual(20_000);
  });

  it('a handler that interrupts ends the run at the next checkpoint', () => {
    const cpu = new Wasm32Cpu();
    const rig = new Rig(program('loop $l i32.const 1 call $call drop br $l end'), cpu);
    let calls = 0;
    const handler: TrapHandler = (context) => {
      if (++calls === 3) cpu.interrupt(context);
      (context as Wasm32Context).complete();
      return TrapAnswer.RESUME;
    };
    expect(rig.run(handler)).toBe('interrupted');
    expect(calls).toBe(3);
    const retired = rig.context.retired;
    expect(rig.run(handler, 1000)).toBe('budget');
    expect(rig.context.retired).toBe(retired + 1000);
  });
});

describe('memory', () => {
  it("is charged before it grows, up to the account and the module's maximum", () => {
    const grow = 'i32.const 1 memory.grow call $call drop ';
    const account = new TestAccount(40);
    const rig = new Rig(program(grow.repeat(3)), new Wasm32Cpu(), account);
    expect(account.usedPages).toBe(16);
    expect(run(rig).seen).toEqual([1, -1, -1]);
    expect(account.usedPages).toBe(32);
    expect(rig.space.residentPages).toBe(32);
    rig.space.destroy();
    expect(account.usedPages).toBe(0);
    expect(run(new Rig(program(grow.repeat(3)))).seen).toEqual([1, 2, -1]);
  });

  it('is not made beyond the account', () => {
    expect(() => new Rig(program('nop'), new Wasm32Cpu(), new TestAccount(15))).toThrow('context: -12');
  });

  it('large copies and fills cost what they move', () => {
    const rig = new Rig(program('loop $l i32.const 0 i32.const 7 local.get $i i32.const 65536 i32.or memory.fill br $l end'));
    const { exit } = run(rig, 100_000);
    expect(exit).toBe('budget');
    expect(run(rig, 1 << 20).exit).toBe('budget');
  });

  it('a copy of a space is a space of its own', () => {
    const rig = new Rig(program('i32.const 8 i32.const 5 i32.store i32.const 1 call $call drop'));
    run(rig);
    const copy = rig.space.fork();
    if (typeof copy === 'number') throw new Error(`${copy}`);
    expect(copy.load32(8 as never)).toBe(5);
    rig.space.store32(8 as never, 6);
    expect(copy.load32(8 as never)).toBe(5);
  });
});

describe('state', () => {
  const changing = assemble(`(module
    (import "env" "call" (func $call (param i32) (result i32)))
    (memory 1) (table $t 3 funcref) (type $f (func (result i32)))
    (elem (i32.const 0) $one $two) (elem $spare func $three) (elem declare func $three)
    (data $d "xyz") (global $v (mut v128) (v128.const i32x4 0 0 0 0)) (global $l (mut i64) (i64.const 0))
    (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2)) (func $three (result i32) (i32.const 3))
    (func $say (param i32) (drop (call $call (local.get 0))))
    (func $all (local $i i32)
      (loop $l
        (call $say (call_indirect (type $f) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 3)))))
    (func $begin (global.set $l (i64.const 0x123456789)) (call $say (i32.const 100)))
    (start $begin)
    (func (export "_start")
      (global.set $v (v128.const i32x4 1 2 3 4))
      (table.set $t (i32.const 2) (ref.func $three))
      (call $say (i32.const 101))
      (table.copy (i32.const 0) (i32.const 1) (i32.const 1))
      (memory.init $d (i32.const 4) (i32.const 0) (i32.const 3)) (data.drop $d) (elem.drop $spare)
      (drop (table.grow $t (ref.func $one) (i32.const 2)))
      (call $all)
      (call $say (table.size $t))
      (call $say (i32x4.extract_lane 2 (global.get $v)))
      (call $say (i32.wrap_i64 (i64.shr_u (global.get $l) (i64.const 32))))
      (call $say (i32.load (i32.const 4)))
      (memory.init $d (i32.const 4) (i32.const 0) (i32.const 1))))`);

  it('tables, dropped segments, vectors and the start function move along', () => {
    const expected = [100, 101, 2, 2, 3, 5, 3, 1, 0x7a7978];
    for (const every of [1, 2, 3]) {
      let rig = new Rig(changing);
      const seen: number[] = [];
      let fault = '';
      let asked = 0;
      const handler: TrapHandler = (context, trap) => {
        if (trap.cause !== 'syscall') {
          fault = trap.cause;
          return TrapAnswer.LEAVE;
        }
        if (asked++ % every === 0) return TrapAnswer.LEAVE;
        seen.push((context as Wasm32Context).args[0]!);
        (context as Wasm32Context).complete();
        return asked % 2 === 0 ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
      };
      if (every === 1) asked = Number.NEGATIVE_INFINITY;
      while (fault === '' && rig.run(handler, 50) !== 'halted') if (fault === '') rig = rig.moved();
      expect(seen).toEqual(expected);
      // The dropped segment is empty: the last instruction traps.
      expect(fault).toBe('fault');
    }
  });

  it('a clone goes its own way from where it was made', () => {
    const rig = new Rig(changing);
    const handler =
      (seen: number[], stop: number): TrapHandler =>
      (context) => {
        if (seen.length === stop) return TrapAnswer.LEAVE;
        seen.push((context as Wasm32Context).args[0]!);
        (context as Wasm32Context).complete();
        return TrapAnswer.RESUME;
      };
    const before: number[] = [];
    expect(rig.run(handler(before, 3))).toBe('left');
    const space = rig.space.fork();
    if (typeof space === 'number') throw new Error(`${space}`);
    const clone = rig.cpu.clone(rig.context, space);
    if (typeof clone === 'number') throw new Error(`${clone}`);
    const [one, other]: number[][] = [[], []];
    rig.run(handler(one!, 4));
    rig.cpu.run(clone, space, handler(other!, 4), 1e6);
    expect(one).toEqual([2, 3, 5, 3]);
    expect(other).toEqual(one);
    expect(clone.retired).toBe(rig.context.retired);
  });
});
