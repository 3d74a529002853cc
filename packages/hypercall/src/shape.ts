import { type DeviceShape, Errno, type Limits, type PartitionRefused, type Shape } from '@ashlar/hardware';

/** Bounds of what one partition may ask for. */
export const SHAPE_LIMITS = { devicesMax: 64, deviceNameBytesMax: 64, isasMax: 8, weightMax: 10_000, capMax: 1000 } as const;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const refuse = (errno: number, missing: string): PartitionRefused => ({ refused: -errno, missing });

const within = (value: number, low: number, high: number): boolean => Number.isSafeInteger(value) && value >= low && value <= high;

/** undefined if the limits are legal, else which one is not. */
export function checkLimits(limits: Limits): PartitionRefused | undefined {
  if (!within(limits.pages, 0, Number.MAX_SAFE_INTEGER)) return refuse(Errno.EINVAL, 'limits.pages');
  if (!within(limits.weight, 1, SHAPE_LIMITS.weightMax)) return refuse(Errno.EINVAL, 'limits.weight');
  if (!within(limits.capPerMille, 1, SHAPE_LIMITS.capMax)) return refuse(Errno.EINVAL, 'limits.capPerMille');
  return undefined;
}

/** undefined if `want` fits into a machine of shape `have`; else the first thing that does not, in `missing`. */
export function checkPartition(have: Shape, want: Shape, limits: Limits): PartitionRefused | undefined {
  const bad = checkLimits(limits);
  if (bad !== undefined) return bad;
  if (want.vcpus !== 1) return refuse(Errno.EINVAL, 'vcpus');
  if (want.virtualTime !== have.virtualTime) return refuse(Errno.EINVAL, 'virtualTime');
  if (!within(want.pages, 0, Number.MAX_SAFE_INTEGER)) return refuse(Errno.EINVAL, 'pages');
  if (want.isas.length > SHAPE_LIMITS.isasMax) return refuse(Errno.EINVAL, 'isas');
  for (const isa of want.isas) if (!have.isas.includes(isa)) return refuse(Errno.ENODEV, isa);
  return checkDevices(have, want);
}

function checkDevices(have: Shape, want: Shape): PartitionRefused | undefined {
  const names = Object.keys(want.devices);
  if (names.length > SHAPE_LIMITS.devicesMax) return refuse(Errno.EINVAL, 'devices');
  for (const name of names) {
    const device = want.devices[name] as DeviceShape;
    if (!NAME.test(name)) return refuse(Errno.EINVAL, `devices.${name.slice(0, 64)}`);
    const from = device.from ?? name;
    const source = Object.hasOwn(have.devices, from) ? have.devices[from] : undefined;
    if (source === undefined || source.kind !== device.kind) return refuse(Errno.ENODEV, from);
  }
  return undefined;
}

/** What the child sees: the smaller memory limit of the two, no names of the machine below, and read-only where any level said so. Frozen. */
export function childShape(have: Shape, want: Shape, limits: Limits): Shape {
  const devices: Record<string, DeviceShape> = {};
  for (const name of Object.keys(want.devices).sort()) {
    const device = want.devices[name] as DeviceShape;
    const readOnly = device.readOnly === true || have.devices[device.from ?? name]?.readOnly === true;
    devices[name] = Object.freeze(readOnly ? { kind: device.kind, readOnly } : { kind: device.kind });
  }
  return Object.freeze({
    vcpus: 1,
    isas: Object.freeze([...want.isas]),
    pages: Math.min(want.pages, limits.pages),
    devices: Object.freeze(devices),
    virtualTime: have.virtualTime,
  });
}
