import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatExpected, readExpected } from './expected.ts';

const invocation = { argv: ['/guests/x'], env: {} };
const origin = { recordedOn: 'Linux', recordedWith: 'record.js x' };

test('bytes that are UTF-8 are stored as text, others as base64', () => {
  const stored = JSON.parse(
    formatExpected(invocation, { stdout: Buffer.from('ünï\n'), stderr: Uint8Array.of(0xff, 0x00), status: 3, ...origin }),
  ) as Record<string, unknown>;
  expect(stored).toEqual({ ...invocation, stdout: 'ünï\n', stderr: { base64: '/wA=' }, status: 3, ...origin });
});

test('every byte string survives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const text = formatExpected(invocation, { stdout: bytes, stderr: new Uint8Array(), status: 0, ...origin });
      const { stdout } = JSON.parse(text) as { stdout: string | { base64: string } };
      expect(typeof stdout === 'string' ? Buffer.from(stdout) : Buffer.from(stdout.base64, 'base64')).toEqual(Buffer.from(bytes));
    }),
  );
});

test('a missing result says how to record it', () => {
  expect(() => readExpected('no-such-case')).toThrow(/record it with packages\/guests\/dist\/tools\/record\.js no-such-case/);
});
