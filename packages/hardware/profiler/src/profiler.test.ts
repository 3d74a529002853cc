import type { AddressSpace, Context, Cpu, Exit, GuestAddress, Machine, TrapHandler } from '@ashlar/hardware';
import { describe, expect, it } from 'vitest';
import { Profiler } from './profiler.ts';

/** A machine whose CPU does as `run` says, with a clock that stands at `clock.ns`. */
function machineWith(run: (budget: number) => { exit: Exit; retired: number }, virtualTime = true) {
  const context = { isa: 'riscv64-user', retired: 0, pc: 0x1_0000 as GuestAddress, readUnsigned: () => 0 };
  const budgets: number[] = [];
  const clock = { ns: 0 };
  const cpu = {
    isa: 'riscv64-user',
    traits: { sync: true },
    run: (_context: Context, _space: AddressSpace, _onTrap: TrapHandler, budget: number): Exit => {
      budgets.push(budget);
      const { exit, retired } = run(budget);
      context.retired += retired;
      clock.ns += retired * 10;
      return exit;
    },
  };
  const space = { epoch: 0, mappings: () => [], window: () => undefined } as unknown as AddressSpace;
  const machine = {
    shape: { virtualTime },
    clock: {
      read: (_which: string, out: { sec: number; nsec: number }) => {
        out.sec = 0;
        out.nsec = clock.ns;
      },
    },
    cpu: () => cpu as unknown as Cpu,
  } as unknown as Machine;
  return { machine, context: context as unknown as Context, space, budgets, clock };
}

const runAll = (budget: number): { exit: Exit; retired: number } => ({ exit: 'budget', retired: budget });

describe('a sampled run', () => {
  it('uses its whole budget in parts that end where samples are due', () => {
    const { machine, context, space, budgets } = machineWith(runAll);
    const profiler = new Profiler({ interval: 1000 });
    const cpu = profiler.machine(machine).cpu('riscv64-user') as Cpu;
    expect(cpu.run(context, space, () => 0, 100_000)).toBe('budget');
    expect(budgets.reduce((sum, each) => sum + each)).toBe(100_000);
    expect(Math.min(...budgets.slice(0, -1))).toBeGreaterThanOrEqual(500);
    expect(Math.max(...budgets)).toBeLessThanOrEqual(1500);
    expect(new Set(budgets).size).toBeGreaterThan(20);
    const { samples, timeDeltas, endTime } = profiler.profile();
    expect(samples).toHaveLength(budgets.length - 1);
    expect(timeDeltas.reduce((sum, each) => sum + each)).toBe(endTime);
    expect(endTime).toBe(Math.floor((100_000 - (budgets.at(-1) as number)) / 1000));
  });

  it.each(['left', 'interrupted', 'stalled', 'halted'] as const)('ends with %s as it came', (exit) => {
    const { machine, context, space, budgets } = machineWith((budget) => ({ exit, retired: Math.min(budget, 3) }));
    const cpu = new Profiler({ interval: 1000 }).machine(machine).cpu('riscv64-user') as Cpu;
    expect(cpu.run(context, space, () => 0, 100_000)).toBe(exit);
    expect(budgets).toHaveLength(1);
  });

  it('comes to its end in a guest that uses budget without completing an instruction', () => {
    const { machine, context, space, budgets } = machineWith(() => ({ exit: 'budget', retired: 0 }));
    const cpu = new Profiler({ interval: 1000 }).machine(machine).cpu('riscv64-user') as Cpu;
    expect(cpu.run(context, space, () => 0, 10_000)).toBe('budget');
    expect(budgets.reduce((sum, each) => sum + each)).toBe(10_000);
  });

  it('shows the time in which no guest ran apart', () => {
    const { machine, context, space, clock } = machineWith(runAll, false);
    const profiler = new Profiler({ interval: 1000 });
    const cpu = profiler.machine(machine).cpu('riscv64-user') as Cpu;
    cpu.run(context, space, () => 0, 10_000);
    clock.ns += 5_000_000;
    cpu.run(context, space, () => 0, 10_000);
    const { nodes, samples, timeDeltas } = profiler.profile();
    const outside = nodes.find(({ callFrame }) => callFrame.functionName === '(outside the guest)');
    const time = samples.reduce((sum, id, i) => sum + (id === outside?.id ? (timeDeltas[i] as number) : 0), 0);
    expect(time).toBe(5000);
  });

  it('leaves a CPU alone that answers with a promise', () => {
    const cpu = { traits: { sync: false } } as Cpu;
    const machine = { shape: { virtualTime: true }, cpu: () => cpu } as unknown as Machine;
    expect(new Profiler({ interval: 1000 }).machine(machine).cpu('wasm32')).toBe(cpu);
  });

  it('refuses an interval that is none', () => {
    expect(() => new Profiler({ interval: 0.5 })).toThrow(/interval is 0\.5/);
  });
});
