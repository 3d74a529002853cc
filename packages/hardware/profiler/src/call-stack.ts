import type { Context, Riscv64Context } from '@ashlar/hardware';
import { endsWithCall, type FrameRule, isPopped } from './frame-rule.ts';
import type { CodePlace, Program } from './program.ts';

/** Most callers of a sample: of deeper stacks the outermost are left out. */
const FRAMES_MAX = 200;

const SP = 2;
const RA = 1;
const FP = 8;
const HIGH = 2 ** 32;

/** A guest's registers as of one frame. */
interface Frame {
  pc: number;
  sp: number;
  fp: number;
  /** The return address register, where it may still hold it: in the innermost frame. */
  ra: number | undefined;
}

/** The functions that a context is in, innermost first. What cannot be told is left out: every caller named has a call where it is said to have. */
export function callStack(context: Context, program: Program): CodePlace[] {
  if (!isRiscv64(context)) return [];
  const places: CodePlace[] = [];
  const frame: Frame = {
    pc: context.pc,
    sp: context.readUnsigned(SP),
    fp: context.readUnsigned(FP),
    ra: context.readUnsigned(RA),
  };
  while (places.length < FRAMES_MAX) {
    // A return address may be the first byte of another function, if the call never returns.
    const place = program.place(frame.ra === undefined ? frame.pc - 1 : frame.pc);
    if (place === undefined) break;
    places.push(place);
    if (!toCaller(frame, place, program)) break;
  }
  return places;
}

const isRiscv64 = (context: Context): context is Riscv64Context => context.isa === 'riscv64-user';

/** Makes `frame` its caller's; false if that cannot be told. */
function toCaller(frame: Frame, place: CodePlace, program: Program): boolean {
  const rule = program.rule(place);
  const offset = place.start === undefined ? 0 : frame.pc - place.start;
  const popped = rule !== undefined && frame.ra !== undefined && isPoppedAt(frame, place, program);
  if (rule !== undefined && rule.ra !== undefined && offset > rule.ra.at && !popped) return fromMemory(frame, rule, offset, program);
  const { ra } = frame;
  if (ra === undefined || !isReturnAddress(ra, program)) return false;
  frame.sp -= rule === undefined || popped ? 0 : movedBy(rule, offset);
  frame.pc = ra;
  frame.ra = undefined;
  return true;
}

function isPoppedAt({ pc }: Frame, { start }: CodePlace, program: Program): boolean {
  const before = Math.min(4, pc - (start ?? pc));
  const code = before < 2 ? undefined : program.bytes(pc - before, before);
  return code !== undefined && isPopped(code, before);
}

const movedBy = (rule: FrameRule, offset: number): number => rule.moves.reduce((sum, { at, by }) => (offset > at ? sum + by : sum), 0);

function fromMemory(frame: Frame, rule: FrameRule, offset: number, program: Program): boolean {
  const bySp = frame.sp - movedBy(rule, offset);
  // A function that moves the stack pointer further on its way keeps its entry's in s0; not yet, or no longer, at its edges.
  const entries = rule.fpSetAt !== undefined && offset > rule.fpSetAt ? [frame.fp, bySp] : [bySp];
  for (const entry of entries) {
    const ra = wordAt(entry + (rule.ra?.slot ?? 0), program);
    if (ra === undefined || !isReturnAddress(ra, program)) continue;
    const fp = rule.fp !== undefined && offset > rule.fp.at ? wordAt(entry + rule.fp.slot, program) : frame.fp;
    frame.sp = entry;
    frame.pc = ra;
    frame.fp = fp ?? frame.fp;
    frame.ra = undefined;
    return true;
  }
  return false;
}

function isReturnAddress(at: number, program: Program): boolean {
  if (at < 4 || at % 2 !== 0 || program.place(at - 2) === undefined) return false;
  const before = program.bytes(at - 4, 4);
  return before !== undefined && endsWithCall(before);
}

/** A 64-bit word of the guest, exact below 2^53. */
function wordAt(at: number, program: Program): number | undefined {
  const bytes = at > 0 ? program.bytes(at, 8) : undefined;
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return view.getUint32(0, true) + view.getUint32(4, true) * HIGH;
}
