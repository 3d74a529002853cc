import { describe, expect, it } from 'vitest';
import { endsWithCall, frameRule, isPopped } from './frame-rule.ts';

/** Instructions as an assembler lists them: four digits compressed, eight not. */
const code = (...words: readonly string[]): Uint8Array =>
  Uint8Array.from(words.flatMap((word) => (word.match(/../g) as string[]).reverse().map((byte) => Number.parseInt(byte, 16))));

describe('where a function keeps its return address', () => {
  it('is behind a first test that goes elsewhere', () => {
    // li a5,1; beq a0,a5,.+78; addi sp,sp,-48; sd s3,8(sp); sd s0,32(sp); sd ra,40(sp)
    const rule = frameRule(code('4785', '04f50763', '7179', 'e44e', 'f022', 'f406'));
    expect(rule).toEqual({ moves: [{ at: 6, by: -48 }], ra: { at: 12, slot: -8 }, fp: { at: 10, slot: -16 }, fpSetAt: undefined });
  });

  it('is found in a frame larger than an immediate', () => {
    // lui t0,0xffffd; addi sp,sp,-32; addi t0,t0,304; sd ra,24(sp); add sp,sp,t0
    const rule = frameRule(code('72f5', '1101', '13028293', 'ec06', '9116'));
    expect(rule.moves).toEqual([
      { at: 2, by: -32 },
      { at: 10, by: -12_288 + 304 },
    ]);
    expect(rule.ra).toEqual({ at: 8, slot: -8 });
  });

  it('is told with the frame pointer, which a pointer to a variable is not', () => {
    // addi sp,sp,-16; sd s0,0(sp); sd ra,8(sp); addi s0,sp,16
    expect(frameRule(code('1141', 'e022', 'e406', '0800')).fpSetAt).toBe(6);
    // addi sp,sp,-32; sd ra,24(sp); addi s0,sp,16
    expect(frameRule(code('1101', 'ec06', '0800')).fpSetAt).toBeUndefined();
  });

  it('is as well in instructions that are not compressed', () => {
    // addi sp,sp,-2032; sd ra,2024(sp); sd s0,2016(sp); addi s0,sp,2032
    const rule = frameRule(code('81010113', '7e113423', '7e813023', '7f010413'));
    expect(rule).toEqual({ moves: [{ at: 0, by: -2032 }], ra: { at: 4, slot: -8 }, fp: { at: 8, slot: -16 }, fpSetAt: 12 });
  });

  it('is nowhere in a function that calls nothing, nor behind a call', () => {
    expect(frameRule(code('953e', '8082')).ra).toBeUndefined();
    // jal ra,.+0; sd ra,8(sp)
    expect(frameRule(code('000000ef', 'e406')).ra).toBeUndefined();
  });

  it('is cut off by the end of what can be read', () => {
    expect(frameRule(code('7179', 'f406').subarray(0, 3))).toMatchObject({ moves: [{ at: 0, by: -48 }], ra: undefined });
    expect(frameRule(new Uint8Array())).toMatchObject({ moves: [], ra: undefined });
  });
});

describe('edges', () => {
  it('sees that a frame was given back', () => {
    expect(isPopped(code('70a2', '6145'), 4)).toBe(true); // ld ra,40(sp); addi sp,sp,48
    expect(isPopped(code('7f010113'), 4)).toBe(true); // addi sp,sp,2032
    expect(isPopped(code('7179'), 2)).toBe(false); // addi sp,sp,-48
    expect(isPopped(code('70a2'), 2)).toBe(false);
  });

  it('knows calls from other jumps', () => {
    expect(endsWithCall(code('000000ef'))).toBe(true); // jal ra
    expect(endsWithCall(code('000780e7'))).toBe(true); // jalr ra,a5
    expect(endsWithCall(code('0001', '9782'))).toBe(true); // c.jalr a5
    expect(endsWithCall(code('0001', '8782'))).toBe(false); // c.jr a5
    expect(endsWithCall(code('0000006f'))).toBe(false); // jal x0
    expect(endsWithCall(code('0001', '9002'))).toBe(false); // c.ebreak
  });
});
