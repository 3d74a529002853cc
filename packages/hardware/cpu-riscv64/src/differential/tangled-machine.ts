import { type Trap, TrapAnswer } from '@ashlar/hardware';
import { address, TestMachine } from './machine.ts';
import { LOG, RECORD_BYTES, RECORDS_MAX, SYS_SIGACTION } from './tangled-program.ts';

const SIGNAL = { illegal: 4, breakpoint: 5, bus: 7, segv: 11 } as const;
const SYS_EXIT = 93;
const ENOSYS = 38;

/** Runs a {@link tangledProgram}: at a fault it does what the program's signal handler does under Linux. */
export class TangledMachine extends TestMachine {
  faults = 0;

  protected override call(number: number): TrapAnswer {
    if (number === SYS_EXIT) return super.call(number);
    this.context.writeNumber(10, number === SYS_SIGACTION ? 0 : -ENOSYS);
    return TrapAnswer.RESUME;
  }

  protected override trapped(trap: Trap): TrapAnswer {
    const { context } = this;
    this.faults++;
    const half = this.read(context.pc, 2);
    this.#record(trap);
    context.pc = address(context.pc + (((half[0] as number) & 3) === 3 ? 4 : 2));
    return TrapAnswer.RESUME;
  }

  #record(trap: Trap): void {
    const count = new DataView(this.read(LOG, 8).buffer).getUint32(0, true);
    const after = new Uint8Array(8);
    new DataView(after.buffer).setUint32(0, count + 1, true);
    this.write(LOG, after);
    if (count >= RECORDS_MAX) return;
    const record = new Uint8Array(RECORD_BYTES);
    const view = new DataView(record.buffer);
    view.setUint32(0, signalOf(trap), true);
    view.setBigUint64(8, BigInt.asUintN(64, BigInt(trap.address)), true);
    this.context.copyGeneralTo(record.subarray(16, 272));
    this.context.copyFloatTo(record.subarray(272, 532));
    this.write(LOG + 8 + count * RECORD_BYTES, record);
  }
}

function signalOf({ cause, reason }: Trap): number {
  if (cause !== 'fault') return cause === 'illegal' ? SIGNAL.illegal : SIGNAL.breakpoint;
  return reason === 'misaligned' || reason === 'past-end' ? SIGNAL.bus : SIGNAL.segv;
}
