import { type AddressSpace, type Context, type Cpu, Errno, type Wait } from '@ashlar/hardware';
import type { LoadedProgram, LoadRequest, ProgramFile } from '@ashlar/kernel-stub';
import { expect, it } from 'vitest';
import { WasiPersonality } from './personality.ts';

const MEGABYTE = 1 << 20;
const AGAIN: Wait = { on: [], until: { sec: 0, nsec: 0 } };

/** A file that counts what is read of it, and a CPU that is ready at the third asking with the same object. */
function load(size: number, readAtOnce = Number.POSITIVE_INFINITY) {
  const log = { read: 0, asked: 0, alive: 0, codes: new Set<Uint8Array>() };
  const file = {
    size,
    read: (_at: number, to: Uint8Array) => {
      const bytes = Math.min(to.length, readAtOnce);
      log.read += bytes;
      return bytes;
    },
  } as unknown as ProgramFile;
  const space = { destroy: () => log.alive-- } as unknown as AddressSpace;
  const context = (_space: AddressSpace, code: Uint8Array): Context | Wait => {
    log.codes.add(code);
    return ++log.asked < 3 ? AGAIN : ({} as Context);
  };
  const makeSpace = (): AddressSpace => {
    log.alive++;
    return space;
  };
  const cpu = { space: makeSpace, context } as unknown as Cpu;
  const request = { file, argv: [], env: [], cpu: () => cpu } as unknown as LoadRequest;
  const personality = new WasiPersonality();
  return { log, ask: () => personality.load(request, {} as LoadedProgram) };
}

it('a module is read at most 4 MiB at an asking, once, and given to the CPU as one object until it is ready', () => {
  const { log, ask } = load(9 * MEGABYTE);
  const read: number[] = [];
  let reply = ask();
  for (; typeof reply !== 'number'; reply = ask()) read.push(log.read);
  expect(reply).toBe(0);
  expect(read).toEqual([4, 8, 9, 9].map((megabytes) => megabytes * MEGABYTE));
  expect({ ...log, codes: log.codes.size }).toEqual({ read: 9 * MEGABYTE, asked: 3, alive: 1, codes: 1 });
});

it('a module that ends before its size is refused, and read anew when it is loaded again', () => {
  const { log, ask } = load(MEGABYTE, 0);
  expect([ask(), ask()]).toEqual([-Errno.ENOEXEC, -Errno.ENOEXEC]);
  expect(log.asked).toBe(0);
});
