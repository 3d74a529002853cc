import type { Cpu } from './cpu.ts';
import type { Machine, PluginRef } from './machine.ts';
import type { Executor } from './payload.ts';
import type { Saveable } from './state.ts';
import type { Tree } from './tree.ts';
import type { VolumeBackend } from './volume.ts';

/** A device that the stack wants a hardware to have. */
export type DeviceSpec =
  | {
      readonly kind: 'share';
      /** Read-only layers, lowest first. */
      readonly layers: readonly Tree[];
      readonly volumes: readonly VolumeSpec[];
      /** Bytes the writable layer may hold; default 1 GiB. */
      readonly writableBytes?: number;
    }
  | {
      readonly kind: 'console';
      /** Put before each line; lines of several openers are then kept whole. */
      readonly prefix?: string;
      /** Told once how to type into it: bytes taken, for the opener that came first. Without, its input is at its end from the start. */
      readonly keyboard?: (type: (bytes: Uint8Array) => number) => void;
    }
  /** Another console of this hardware without its keyboard: what is written goes there as a whole, and nothing can be read. */
  | { readonly kind: 'console'; readonly of: string }
  | { readonly kind: 'entropy' }
  | {
      readonly kind: 'socket';
      /** The name by which links reach the opener. */
      readonly name: string;
      /** Names of domains it may connect to; `*`: the host's network. */
      readonly mayConnect: readonly string[];
    };

/** A live file tree of the host at a guest path; whoever opened the backend has confined it. The device closes it. */
export interface VolumeSpec {
  /** Absolute, normalised. */
  readonly guest: string;
  readonly backend: VolumeBackend;
}

/** What hardware is made with, beside its own config. */
export interface HardwareSpec {
  /** Memory limit in pages. */
  readonly pages: number;
  readonly devices: Readonly<Record<string, DeviceSpec>>;
  /** CPUs by plugin: an instance for this thread, and the reference that travels to others. */
  readonly cpus: readonly { readonly cpu: Cpu; readonly plugin: PluginRef }[];
  /** Where console output goes, as bytes. */
  readonly log: (bytes: Uint8Array) => void;
}

/** A hardware plugin: what everything else stands on. */
export interface Hardware extends Saveable {
  readonly machine: Machine;
  readonly executor: Executor;
  /** Closes devices, host handles and timers. */
  close(): Promise<void>;
}
