import {
  Errno,
  type GuestAddress,
  type PartReader,
  type PartWriter,
  type Reply,
  type Riscv64Context,
  type Trap,
  type Wait,
} from '@ashlar/hardware';
import { Views } from './engine.ts';
import * as Layout from './layout.ts';

const HIGH = 0x1_0000_0000;
const SCHEMA = 'riscv64-context/1';

/** What a context is loaded into; see Riscv64Space. */
export interface Holder {
  readonly views: Views;
  /** Copies the context's registers out of the memory and forgets it. */
  unload(context: Context): void;
}

/** The trap record of a context, overwritten by each trap. */
export interface TrapRecord {
  cause: Trap['cause'];
  address: GuestAddress;
  access: Trap['access'];
  reason: Trap['reason'];
}

/**
 * Registers of one guest thread. While it is loaded in a space its registers lie at the bottom of that space's memory, where the interpreter
 * works on them; otherwise in an array of its own with the same layout. Accessors work on either.
 */
export class Context implements Riscv64Context {
  readonly isa = 'riscv64-user';
  readonly trap: TrapRecord = { cause: 'fault', address: 0 as GuestAddress, access: 'read', reason: 'none' };
  faultLow = 0;
  faultHigh = 0;
  /** Where the registers are now. */
  views: Views;
  holder: Holder | undefined;
  /** Where its reservation is watched while another context runs there. */
  watcher: Holder | undefined;
  /** `retired` when FUEL will be 0. */
  retiredEnd = 0;
  interrupted = false;
  stalledOn: Wait | undefined;
  readonly #own = new Views(new ArrayBuffer(Layout.CONTEXT_BYTES));

  constructor() {
    this.views = this.#own;
    this.clearReservation();
  }

  get retired(): number {
    return this.retiredEnd - (this.views.u32[Layout.FUEL >> 2] as number);
  }

  get pc(): GuestAddress {
    const { u32 } = this.views;
    const low = u32[Layout.PC >> 2] as number;
    const high = u32[(Layout.PC >> 2) + 1] as number;
    return (high === 0 ? low : low + high * HIGH) as GuestAddress;
  }

  set pc(value: GuestAddress) {
    this.#write(Layout.PC >> 2, value);
  }

  readNumber(register: number): number {
    const { u32, i32 } = this.views;
    return (u32[register * 2] as number) + (i32[register * 2 + 1] as number) * HIGH;
  }

  readUnsigned(register: number): number {
    const { u32 } = this.views;
    return (u32[register * 2] as number) + (u32[register * 2 + 1] as number) * HIGH;
  }

  readLow(register: number): number {
    return this.views.i32[register * 2] as number;
  }

  readHigh(register: number): number {
    return this.views.i32[register * 2 + 1] as number;
  }

  writeNumber(register: number, value: number): void {
    if (register !== 0) this.#write(register * 2, value);
  }

  writeHalves(register: number, low: number, high: number): void {
    if (register === 0) return;
    const { i32 } = this.views;
    i32[register * 2] = low;
    i32[register * 2 + 1] = high;
  }

  copyGeneralTo(out: Uint8Array): void {
    const { u8 } = this.views;
    out.set(u8.subarray(Layout.PC, Layout.PC + 8), 0);
    out.set(u8.subarray(Layout.X + 8, Layout.X + 256), 8);
  }

  copyGeneralFrom(from: Uint8Array): void {
    const { u8 } = this.views;
    u8.set(from.subarray(0, 8), Layout.PC);
    // Instructions are at even addresses; a signal frame may say otherwise.
    u8[Layout.PC] = (u8[Layout.PC] as number) & 0xfe;
    u8.set(from.subarray(8, 256), Layout.X + 8);
  }

  copyFloatTo(out: Uint8Array): void {
    const { u8 } = this.views;
    out.set(u8.subarray(Layout.F, Layout.F + 256), 0);
    out.set(u8.subarray(Layout.FCSR, Layout.FCSR + 4), 256);
  }

  copyFloatFrom(from: Uint8Array): void {
    const { u8 } = this.views;
    u8.set(from.subarray(0, 256), Layout.F);
    u8.fill(0, Layout.FCSR, Layout.FCSR + 4);
    u8[Layout.FCSR] = from[256] as number;
  }

  clearReservation(): void {
    const { i32 } = this.views;
    i32[Layout.RESERVATION >> 2] = -1;
    i32[(Layout.RESERVATION >> 2) + 1] = -1;
  }

  /** The reserved address, or −1. */
  get reservation(): number {
    const { u32, i32 } = this.views;
    const high = i32[(Layout.RESERVATION >> 2) + 1] as number;
    return high === 0 ? (u32[Layout.RESERVATION >> 2] as number) : -1;
  }

  /** Moves the registers into a space's memory. */
  moveTo(holder: Holder): void {
    const { views } = holder;
    views.u8.set(this.views.u8.subarray(0, Layout.CONTEXT_BYTES), 0);
    this.views = views;
    this.holder = holder;
  }

  /** Moves the registers back into the context's own array. */
  moveOut(): void {
    if (this.holder === undefined) return;
    this.#own.u8.set(this.views.u8.subarray(0, Layout.CONTEXT_BYTES));
    this.views = this.#own;
    this.holder = undefined;
  }

  /** Takes on all guest-visible state of another context but its reservation. */
  copyOf(from: Context): void {
    this.views.u8.set(from.views.u8.subarray(0, Layout.CONTEXT_BYTES));
    this.retiredEnd = 0;
    this.views.u32[Layout.FUEL >> 2] = 0;
    this.clearReservation();
  }

  save(out: PartWriter): Reply {
    out.put('schema', SCHEMA);
    out.put('registers', this.views.u8.slice(0, Layout.FUEL));
    out.put('reservation', this.reservation);
    out.put('retired', this.retired);
    return 0;
  }

  restore(part: PartReader): Reply {
    const registers = part.get('registers');
    const retired = part.get('retired');
    const reservation = part.get('reservation');
    if (part.get('schema') !== SCHEMA || !(registers instanceof Uint8Array) || registers.length !== Layout.FUEL) return -Errno.EINVAL;
    if (typeof retired !== 'number' || typeof reservation !== 'number') return -Errno.EINVAL;
    this.views.u8.set(registers, 0);
    this.views.u32[Layout.FUEL >> 2] = 0;
    this.retiredEnd = retired;
    this.clearReservation();
    if (reservation >= 0) this.#write(Layout.RESERVATION >> 2, reservation);
    return 0;
  }

  destroy(): void {
    this.holder?.unload(this);
    this.watcher?.unload(this);
  }

  #write(word: number, value: number): void {
    const { i32 } = this.views;
    const small = value | 0;
    if (small === value) {
      i32[word] = small;
      i32[word + 1] = small >> 31;
      return;
    }
    // Both halves of two's complement, exact for every integer within ±2⁵³.
    i32[word] = value;
    i32[word + 1] = Math.floor(value / HIGH);
  }
}
