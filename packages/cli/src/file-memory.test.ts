import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileMemory } from './file-memory.ts';

describe('memory into which files are read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ashlar-file-memory-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('has one file after the other, in the same pages as long as they are enough', () => {
    const memory = new FileMemory();
    const first = memory.read(fileOf('first', 'a'.repeat(10_000)));
    expect(first.toString()).toBe('a'.repeat(10_000));
    const second = memory.read(fileOf('second', 'b'.repeat(20_000)));
    expect(second.toString()).toBe('b'.repeat(20_000));
    expect(second.buffer).toBe(first.buffer);
    const third = memory.read(fileOf('third', 'c'.repeat(20_001)));
    expect(third.toString()).toBe('c'.repeat(20_001));
    expect(third.buffer).not.toBe(first.buffer);
    expect(memory.read(fileOf('empty', '')).length).toBe(0);
  });

  it('is not from the C library’s heap, which would go on to keep as much of its own', () => {
    const { buffer } = new FileMemory().read(fileOf('some', 'content'));
    // Of all memory that JavaScript can ask for, only this is the engine's to map.
    expect((buffer as ArrayBuffer).resizable).toBe(true);
  });
});
