import { TrapAnswer, type TrapHandler, type Wasm32Context } from '@ashlar/hardware';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROGRAM_IMPORTS, randomProgram } from './program.test.support.ts';
import { assemble, Rig } from './rig.test.support.ts';

/** What a program did, as far as its host can tell. */
interface Outcome {
  readonly calls: string[];
  readonly memory: string;
  readonly fault: boolean;
}

function digest(memory: Uint8Array): string {
  let hash = 0;
  for (let at = 0; at < memory.length; at++) if (memory[at] !== 0) hash = (Math.imul(hash, 31) + at + memory[at]! * 7) | 0;
  return `${memory.length}:${hash}`;
}

/** Both hosts see arguments and give results as words, made from all that happened before. */
function answerWords(calls: string[], index: number, args: readonly number[]): number[] {
  calls.push(`${index}(${args.join()})`);
  const seed = calls.length * 7919 + index;
  return [(Math.imul(seed, 2654435761) >>> 28) | 0, Math.imul(seed, 40503) & 0xff, seed & 3];
}

const buffer = new DataView(new ArrayBuffer(8));

function toWords(type: string, value: number | bigint): number[] {
  if (type === 'i32') return [Number(value) | 0];
  if (type === 'f32') buffer.setFloat32(0, Number(value), true);
  else if (type === 'f64') buffer.setFloat64(0, Number(value), true);
  else buffer.setBigInt64(0, BigInt(value), true);
  return type === 'f32' ? [buffer.getInt32(0, true)] : [buffer.getInt32(0, true), buffer.getInt32(4, true)];
}

function fromWords(type: string, words: number[]): number | bigint {
  const low = words.shift()!;
  if (type === 'i32') return low;
  buffer.setInt32(0, low, true);
  if (type === 'f32') return buffer.getFloat32(0, true);
  buffer.setInt32(4, words.shift()!, true);
  return type === 'f64' ? buffer.getFloat64(0, true) : buffer.getBigInt64(0, true);
}

function native(code: Uint8Array): Outcome {
  const calls: string[] = [];
  const env: Record<string, (...args: (number | bigint)[]) => unknown> = {};
  PROGRAM_IMPORTS.forEach(({ params, results }, index) => {
    env[`m${index}`] = (...args) => {
      const words = answerWords(
        calls,
        index,
        params.flatMap((type, at) => toWords(type, args[at]!)),
      );
      const values = results.map((type) => fromWords(type, words));
      return values.length > 1 ? values : values[0];
    };
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code as Uint8Array<ArrayBuffer>), { env });
  let fault = false;
  try {
    (exports._start as () => void)();
  } catch {
    fault = true;
  }
  return { calls, fault, memory: digest(new Uint8Array((exports.memory as WebAssembly.Memory).buffer)) };
}

interface Disturbance {
  /** Budget of the next run. */
  budget(): number;
  /** Whether a call is parked, to be asked again; or completed and left. */
  park(): boolean;
  leave(): boolean;
  /** Whether to go on in a copy made through the saved form. */
  move(): boolean;
}

const CALM: Disturbance = { budget: () => 2 ** 31 - 1, park: () => false, leave: () => false, move: () => false };

function precise(code: Uint8Array, { budget, park, leave, move }: Disturbance): Outcome & { readonly retired: number } {
  const calls: string[] = [];
  let fault = false;
  const handler: TrapHandler = (context, trap) => {
    const at = context as Wasm32Context;
    if (trap.cause !== 'syscall') {
      fault = true;
      return TrapAnswer.LEAVE;
    }
    if (park()) return TrapAnswer.LEAVE;
    const count = PROGRAM_IMPORTS[at.importIndex]!.params.reduce((sum, type) => sum + (type.endsWith('64') ? 2 : 1), 0);
    at.results.set(answerWords(calls, at.importIndex, Array.from(at.args.subarray(0, count))));
    at.complete();
    return leave() ? TrapAnswer.LEAVE : TrapAnswer.RESUME;
  };
  let rig = new Rig(code);
  for (let runs = 0; !fault; runs++) {
    if (runs > 2e5) throw new Error('does not end');
    if (rig.run(handler, budget()) === 'halted') break;
    if (!fault && move()) rig = rig.moved();
  }
  const memory = rig.space.window(rig.space.base, rig.space.limit, false)!;
  return { calls, fault, memory: digest(memory), retired: rig.context.retired };
}

/** A stream of decisions that depends on nothing but the seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** Each case runs a program six times. */
const CASES = 60;

describe('random programs', () => {
  it('do the same as under the engine itself, however they are interrupted', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (seed, luck) => {
        const code = assemble(randomProgram(seed));
        const expected = native(code);
        const { retired, ...calm } = precise(code, CALM);
        expect(calm).toEqual(expected);
        const roll = dice(luck);
        const disturbed = [
          { ...CALM, budget: () => 1 + roll(40) },
          { ...CALM, park: () => roll(2) === 0, leave: () => roll(2) === 0 },
          { budget: () => 1 + roll(60), park: () => roll(3) === 0, leave: () => roll(3) === 0, move: () => roll(4) === 0 },
          { ...CALM, budget: () => 5, move: () => roll(10) === 0 },
        ];
        for (const disturbance of disturbed) {
          const { retired: also, ...outcome } = precise(code, disturbance);
          expect(outcome).toEqual(expected);
          expect(also).toBe(retired);
        }
      }),
      { numRuns: CASES },
    );
  });
});
