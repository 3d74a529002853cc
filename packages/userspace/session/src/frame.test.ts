import { describe, expect, it } from 'vitest';
import { Fields, FrameWriter } from './frame.ts';

describe('the fields of a frame', () => {
  it('point into it; those of its rest are their own', () => {
    const frame = new FrameWriter().write(7, 'text', new Uint8Array([1, 2, 3]), new Uint8Array([4, 5]));
    const fields = Fields.of(frame);
    expect([fields.integer('number', 0, 9), fields.text('text', 9)]).toEqual([7, 'text']);
    const view = fields.bytes('bytes', 9);
    const rest = fields.rest();
    frame.fill(0);
    expect(view).toEqual(new Uint8Array(3));
    expect([rest.bytes('bytes', 9), rest.ended]).toEqual([new Uint8Array([4, 5]), true]);
  });
});
