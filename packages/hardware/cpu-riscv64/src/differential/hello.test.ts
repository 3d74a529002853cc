import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestMachine } from './machine.ts';
import { lacks, outputOf } from './peer.ts';

const SOURCE = `
static long call(long n, long a, long b, long c) {
  register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}
static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static double harmonic(int n) { double sum = 0; for (int i = 1; i <= n; i++) sum += 1.0 / i; return sum; }
void _start(void) {
  char digits[24];
  int at = 24;
  digits[--at] = '\\n';
  for (unsigned long v = fib(20) * 1000000ul + (unsigned long)(harmonic(1000) * 100000); v; v /= 10) digits[--at] = (char)('0' + v % 10);
  call(64, 1, (long)"hello ", 6);
  call(64, 1, (long)digits + at, 24 - at);
  call(93, 7, 0, 0);
}`;

describe.skipIf(lacks('riscv64-linux-gnu-gcc', 'gcc-riscv64-linux-gnu'))('a program from the cross compiler', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ashlar-riscv64-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['-O0', '-O2'])('writes and exits, built with %s', (level) => {
    const [source, program] = [join(folder, 'hello.c'), join(folder, 'hello')];
    writeFileSync(source, SOURCE);
    outputOf('riscv64-linux-gnu-gcc', [level, '-nostdlib', '-static', '-Wl,--no-relax', '-o', program, source], 1 << 20);
    const machine = new TestMachine();
    machine.load(readFileSync(program));
    expect(machine.run(10_000_000)).toBe('left');
    // fib(20) = 6765; H(1000) = 7.48547…
    expect([machine.text(), machine.status]).toEqual(['hello 6765748547\n', 7]);
    machine.destroy();
  });
});
