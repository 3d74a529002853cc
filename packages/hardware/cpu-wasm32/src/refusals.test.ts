import { Errno, TrapAnswer } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Wasm32Cpu } from './cpu.ts';
import { randomProgram } from './program.test.support.ts';
import { assemble, Rig, TestAccount, TestPart } from './rig.test.support.ts';

function refusal(code: Uint8Array): string {
  const cpu = new Wasm32Cpu();
  const space = cpu.space(new TestAccount());
  if (typeof space === 'number') throw new Error(`space: ${space}`);
  expect(cpu.context(space, code)).toBe(-Errno.ENOEXEC);
  return cpu.lastRefusal;
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

describe('modules that are refused', () => {
  it.each([
    ['no module', Uint8Array.of(1, 2, 3), /not a valid WebAssembly module/],
    ['an imported global', assemble('(module (import "a" "b" (global i32)) (memory 1))'), /imports a global \(a\.b\)/],
    ['an imported table', assemble('(module (import "a" "b" (table 1 funcref)) (memory 1))'), /imports a table/],
    [
      'an import of references',
      assemble('(module (import "a" "b" (func (param externref))) (memory 1))'),
      /a\.b takes or returns a externref/,
    ],
    ['no memory', assemble('(module (func (export "_start")))'), /has no memory/],
    ['an entry with parameters', assemble('(module (memory 1) (func (export "_start") (param i32)))'), /_start takes or returns values/],
    [
      'references across a call',
      assemble('(module (memory 1) (func $f (local funcref) (call $f)))'),
      /function 0 has a local of type funcref/,
    ],
    [
      'atomics',
      Uint8Array.from([...HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 5, 1, 3, 0, 0, 0x0b]),
      /is shared; threads are not supported/,
    ],
  ])('%s', (_, code, message) => {
    expect(refusal(code)).toMatch(message);
  });

  it('bytes changed at random are refused with a message or run like any program', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), (seed, changes) => {
        const code = assemble(randomProgram(seed)).slice();
        for (const [at, byte] of changes) code[at % code.length] = byte;
        const cpu = new Wasm32Cpu();
        const account = new TestAccount(1 << 14);
        const space = cpu.space(account);
        if (typeof space === 'number') throw new Error(`space: ${space}`);
        const context = cpu.context(space, code);
        if (typeof context === 'number') {
          expect([-Errno.ENOEXEC, -Errno.ENOMEM]).toContain(context);
          if (context === -Errno.ENOEXEC) expect(cpu.lastRefusal).not.toMatch(/defect of this CPU/);
          return;
        }
        if ('on' in context) throw new Error('a small module is made ready at once');
        cpu.run(context, space, () => TrapAnswer.LEAVE, 20_000);
        expect(context.retired).toBeLessThanOrEqual(20_000);
      }),
      { numRuns: 300 },
    );
  });

  it('saved state of another module is refused', () => {
    const text = (value: number): Uint8Array =>
      assemble(`(module (memory 1) (global (mut i32) (i32.const ${value})) (func (export "_start")))`);
    const part = new TestPart();
    new Rig(text(1)).context.save(part);
    expect(new Rig(text(2)).context.restore(part)).toBe(-Errno.EINVAL);
    expect(new Rig(text(1)).context.restore(part)).toBe(0);
  });

  it('saved state that was changed never harms the host', () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.integer({ min: 1, max: 3000 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }),
        (seed, budget, changes) => {
          const rig = new Rig(assemble(randomProgram(seed)));
          rig.run(() => TrapAnswer.LEAVE, budget);
          const [space, context] = [new TestPart(), new TestPart()];
          rig.space.save(space);
          rig.context.save(context);
          const part = context.changed('frames', (frames) => {
            for (const [at, byte] of changes) if (frames.length > 0) frames[at % frames.length] = byte;
          });
          const other = new Rig(undefined);
          expect(other.space.restore(space, () => undefined)).toBe(0);
          expect(other.context.restore(part)).toBe(0);
          for (let runs = 0; runs < 5; runs++) other.run(() => TrapAnswer.LEAVE, 5000);
        },
      ),
      { numRuns: 60 },
    );
  });
});
