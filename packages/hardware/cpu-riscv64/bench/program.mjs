// Runs a static riscv64 program that only writes and exits. Usage: node program.mjs <program>
import { readFileSync } from 'node:fs';
import { Prot, TrapAnswer } from '@ashlar/hardware';
import { Riscv64Cpu } from '../dist/index.js';

const elf = readFileSync(process.argv[2]);
const account = { usedPages: 0, limitPages: 1 << 20, charge: () => 0, sub: () => -38, close: () => undefined };
const cpu = new Riscv64Cpu();
const space = cpu.space(account);
const context = cpu.context(space);
for (let i = 0; i < elf.readUInt16LE(56); i++) {
  const at = Number(elf.readBigUInt64LE(32)) + i * 56;
  if (elf.readUInt32LE(at) !== 1) continue;
  const [offset, address, , bytes, memory] = [8, 16, 24, 32, 40].map((o) => Number(elf.readBigUInt64LE(at + o)));
  const flags = elf.readUInt32LE(at + 4);
  const prot = (flags & 4 ? Prot.READ : 0) | (flags & 2 ? Prot.WRITE : 0) | (flags & 1 ? Prot.EXEC : 0);
  const start = address - (address % 4096);
  space.map(start, Math.ceil((address + memory) / 4096) * 4096 - start, prot, undefined, 0, 'private');
  space.copyOut(address, elf.subarray(offset, offset + bytes), true);
}
space.map(0x0700_0000, 0x10_0000, Prot.READ | Prot.WRITE, undefined, 0, 'private');
context.writeNumber(2, 0x0710_0000 - 64);
context.pc = Number(elf.readBigUInt64LE(24));
const onTrap = (_context, trap) => {
  if (trap.cause !== 'syscall') throw new Error(`${trap.cause} at 0x${context.pc.toString(16)}, address 0x${trap.address.toString(16)}`);
  if (context.readNumber(17) !== 64) return TrapAnswer.LEAVE;
  const text = new Uint8Array(context.readNumber(12));
  space.copyIn(context.readUnsigned(11), text);
  process.stdout.write(text);
  context.pc += 4;
  return TrapAnswer.RESUME;
};
while (cpu.run(context, space, onTrap, 2 ** 30) === 'budget');
if (process.env.BENCH_RETIRED !== undefined) console.error(context.retired);
