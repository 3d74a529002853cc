import { TrapAnswer, type Wasm32Context } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { NativeWasm32Cpu } from './cpu.ts';
import { assemble, TestAccount } from './rig.test.support.ts';

const code = assemble(`(module
  (import "env" "mix" (func $mix (param i32 i64 f64 f32) (result i64)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i64.store (i32.const 8) (call $mix (i32.const 1) (i64.const 0x500000007) (f64.const 1.5) (f32.const 0.5)))))`);

function start(account = new TestAccount()) {
  const cpu = new NativeWasm32Cpu();
  const space = cpu.space(account);
  if (typeof space === 'number') throw new Error(`space: ${space}`);
  const context = cpu.context(space, code);
  if (typeof context === 'number') throw new Error(cpu.lastRefusal);
  return { cpu, space, context: context as Wasm32Context };
}

describe('mode native', () => {
  it('runs the module as it is, with words for arguments and results', () => {
    const { cpu, space, context } = start();
    let args: number[] = [];
    const exit = cpu.run(
      context,
      space,
      () => {
        args = [...context.args.subarray(0, 6)];
        context.results[0] = -2;
        context.results[1] = 9;
        return TrapAnswer.RESUME;
      },
      1,
    );
    expect(exit).toBe('halted');
    expect(args).toEqual([1, 7, 5, 0, 0x3ff80000, 0x3f000000]);
    expect([space.load32(8 as never), space.load32(12 as never)]).toEqual([0xfffffffe, 9]);
    expect(space.residentPages).toBe(16);
  });

  it('is over once it is left, and says what it cannot do', () => {
    const { cpu, space, context } = start();
    expect(cpu.run(context, space, () => TrapAnswer.LEAVE, 1)).toBe('left');
    expect(cpu.run(context, space, () => TrapAnswer.RESUME, 1)).toBe('halted');
    expect(cpu.traits).toMatchObject({ preemptible: false, saveable: false, exactBudget: false });
    expect(cpu.clone(context, space)).toBe(-38);
  });

  it('has no more memory than its account', () => {
    const { cpu, space, context } = start(new TestAccount(15));
    let cause = '';
    cpu.run(
      context,
      space,
      (_, trap) => {
        cause = trap.cause;
        return TrapAnswer.LEAVE;
      },
      1,
    );
    expect(cause).not.toBe('syscall');
  });
});
