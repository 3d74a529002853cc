import type { Machine, PartReader, PartWriter, Plain } from '@ashlar/hardware';
import type { SpawnSpec, System } from '@ashlar/kernel-stub';
import { Gate, type WaitSet } from './gate.ts';
import { HostedProcess } from './hosted-process.ts';
import { SESSION_LIMITS } from './protocol.ts';

/** Where what moves lies for the time of one call. */
const chunk = new Uint8Array(SESSION_LIMITS.chunkBytes);

/** A program being started. */
export interface Start {
  readonly tag: number;
  readonly spec: SpawnSpec;
  readonly gate: Gate;
  /** Told the process, or the negated errno. undefined: nobody asks any more. */
  done: ((started: HostedProcess | number) => void) | undefined;
}

/**
 * What the sessions of one payload share and what outlives each of them: processes, programs being started, open file handles. It is the part of
 * a session that is saved.
 */
export class Hosting {
  readonly system: System;
  readonly machine: Machine;
  readonly processes = new Map<number, HostedProcess>();
  /** Operator file handles that sessions opened. */
  readonly handles = new Set<number>();
  readonly #starts = new Set<Start>();
  readonly #now = { sec: 0, nsec: 0 };
  #nextTag = 1;

  constructor(system: System, machine: Machine) {
    this.system = system;
    this.machine = machine;
  }

  get full(): boolean {
    return this.processes.size + this.#starts.size >= SESSION_LIMITS.processes;
  }

  start(spec: SpawnSpec, done: (started: HostedProcess | number) => void): void {
    this.#starts.add({ tag: this.#nextTag, spec, gate: new Gate(), done });
    this.#nextTag = (this.#nextTag % 0x7fff_ffff) + 1;
  }

  /** Moves everything that can be moved now. true: something did. */
  pump(): boolean {
    let moved = false;
    for (const start of this.#starts) if (this.#tryStart(start)) moved = true;
    for (const process of this.processes.values()) {
      if (process.pump(chunk)) moved = true;
      if (!process.finished) continue;
      process.release();
      this.processes.delete(process.pid);
    }
    return moved;
  }

  collect(into: WaitSet): void {
    for (const start of this.#starts) start.gate.collect(into);
    for (const process of this.processes.values()) process.collect(into);
  }

  save(out: PartWriter): void {
    out.put(
      'processes',
      [...this.processes.values()].map((process) => process.save()),
    );
    out.put(
      'starts',
      [...this.#starts].map(({ tag, spec }) => ({ tag, spec: { ...spec } as unknown as Plain })),
    );
    out.put('handles', [...this.handles]);
    out.put('nextTag', this.#nextTag);
  }

  restore(part: PartReader): void {
    for (const saved of part.get('processes') as readonly Plain[]) {
      const process = HostedProcess.restore(this.system, this.machine, saved);
      this.processes.set(process.pid, process);
    }
    for (const saved of part.get('starts') as unknown as readonly { tag: number; spec: SpawnSpec }[]) {
      this.#starts.add({ ...saved, gate: new Gate(), done: undefined });
    }
    // Their sessions are gone.
    for (const handle of part.get('handles') as readonly number[]) this.system.files.close(handle);
    this.#nextTag = part.get('nextTag') as number;
  }

  #tryStart(start: Start): boolean {
    const { events, clock } = this.machine;
    if (!start.gate.open(events, clock, this.#now)) return false;
    const reply = this.system.spawn(start.tag, start.spec);
    if (typeof reply !== 'number') {
      start.gate.close(reply, events);
      return false;
    }
    this.#starts.delete(start);
    if (reply < 0) {
      start.done?.(reply);
      return true;
    }
    const process = new HostedProcess(this.system, this.machine, reply, start.spec.tty);
    this.processes.set(reply, process);
    start.done?.(process);
    return true;
  }
}
