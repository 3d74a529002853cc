import type { DeviceShape } from '@ashlar/hardware';
import type { DeviceConfig, DomainConfig, StackConfig } from './config/schema.ts';
import { parseSize } from './config/size.ts';

export interface VolumePlan {
  /** Relative to the config's folder, or absolute. */
  readonly host: string;
  readonly guest: string;
  readonly readOnly: boolean;
}

/** A share before anything of it is opened. */
export interface SharePlan {
  readonly kind: 'share';
  readonly images: readonly string[];
  readonly volumes: readonly VolumePlan[];
  readonly writableBytes: number | undefined;
}

/** A device that the hardware is to have. */
export type DevicePlan =
  | SharePlan
  | { readonly kind: 'console'; readonly prefix: string; readonly keyboard: boolean }
  /** The output of another console. */
  | { readonly kind: 'console'; readonly of: string }
  /** Of the domain of that name. */
  | { readonly kind: 'socket'; readonly name: string };

/** A device that the config names, for several domains. */
export interface SharedDevice {
  readonly name: string;
  readonly config: DeviceConfig;
  /** Its name in the hardware. */
  readonly device: string;
  /** The domains that have it, in the config's order. */
  readonly users: readonly string[];
}

export const listOf = <T>(value: T | readonly T[] | undefined, fallback: readonly T[]): readonly T[] =>
  value === undefined ? fallback : Array.isArray(value) ? (value as readonly T[]) : [value as T];

export function sharePlan(
  config: Pick<NonNullable<DomainConfig['userspace']>, 'image' | 'volumes'>,
  writable?: string | number,
): SharePlan {
  const volumes = (config.volumes ?? []).map(({ host, guest, readOnly }) => ({ host, guest, readOnly: readOnly ?? false }));
  return {
    kind: 'share',
    images: listOf(config.image, []),
    volumes,
    writableBytes: writable === undefined ? undefined : parseSize(writable),
  };
}

/**
 * The devices of a config's `devices`, by name: a share is one device of the hardware; a console with a keyboard is two, so that who reads what is typed does
 * not depend on who comes first. Hardware knows them by numbers, as it does the leaves' own.
 */
export class SharedDevices {
  /** By their names in the hardware. */
  readonly planned = new Map<string, DevicePlan>();
  readonly #devices: readonly (SharedDevice & { readonly users: string[] })[];

  constructor(config: StackConfig['devices']) {
    this.#devices = Object.entries(config ?? {}).map(([name, each], index) => {
      const device = `shared${index}`;
      if (each.kind === 'share') this.planned.set(device, sharePlan(each, each.writable));
      else this.planConsole(device, each.prefix ?? '', each.input !== undefined);
      return { name, config: each, device, users: [] };
    });
  }

  get all(): readonly SharedDevice[] {
    return this.#devices;
  }

  private planConsole(device: string, prefix: string, keyboard: boolean): void {
    this.planned.set(device, { kind: 'console', prefix, keyboard });
    if (keyboard) this.planned.set(outputOf(device), { kind: 'console', of: device });
  }

  /** How a domain has the device of that name; undefined if there is none of that kind. */
  use(name: string | undefined, kind: DeviceConfig['kind'], domain: string): DeviceShape | undefined {
    const shared = this.#devices.find((each) => each.name === name && each.config.kind === kind);
    if (shared === undefined) return undefined;
    shared.users.push(domain);
    const { config, device } = shared;
    const reads = config.kind !== 'console' || config.input === undefined || config.input === domain;
    return { kind, from: reads ? device : outputOf(device) };
  }
}

const outputOf = (device: string): string => `${device}.output`;
