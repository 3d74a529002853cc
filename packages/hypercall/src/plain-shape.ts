import type { DeviceKind, DeviceShape, Isa, Limits, Manifest, Plain, PluginRef, Shape } from '@ashlar/hardware';

/**
 * Shapes, limits and manifests that came as JSON from another thread, host or language: checked field by field before anything uses them.
 * Each function gives undefined for what is not of that form.
 */
type PlainRecord = { readonly [key: string]: Plain };

const KINDS: readonly DeviceKind[] = ['console', 'share', 'socket', 'entropy', 'block', 'display', 'input'];
const ISAS: readonly Isa[] = ['riscv64-user', 'wasm32', 'riscv64-system', 'x86_32-system'];

export function isPlainRecord(value: Plain | undefined): value is PlainRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

const isCount = (value: Plain | undefined): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

export function plainLimits(value: Plain | undefined): Limits | undefined {
  if (!isPlainRecord(value)) return undefined;
  const { pages, weight, capPerMille } = value;
  return isCount(pages) && isCount(weight) && isCount(capPerMille) ? { pages, weight, capPerMille } : undefined;
}

export function plainShape(value: Plain | undefined): Shape | undefined {
  if (!isPlainRecord(value)) return undefined;
  const { vcpus, isas, pages, devices, virtualTime } = value;
  if (!isCount(vcpus) || !isCount(pages) || typeof virtualTime !== 'boolean' || !isPlainRecord(devices)) return undefined;
  if (!Array.isArray(isas) || !isas.every((isa: Plain) => ISAS.includes(isa as Isa))) return undefined;
  const shapes: Record<string, DeviceShape> = {};
  for (const [name, device] of Object.entries(devices)) {
    const shape = plainDevice(device);
    if (shape === undefined || name === '__proto__') return undefined;
    shapes[name] = shape;
  }
  return { vcpus, isas: isas as Isa[], pages, devices: shapes, virtualTime };
}

function plainDevice(value: Plain): DeviceShape | undefined {
  if (!isPlainRecord(value)) return undefined;
  const { kind, from, readOnly } = value;
  if (!KINDS.includes(kind as DeviceKind)) return undefined;
  if (from !== undefined && typeof from !== 'string') return undefined;
  if (readOnly !== undefined && typeof readOnly !== 'boolean') return undefined;
  return { kind: kind as DeviceKind, ...(from === undefined ? {} : { from }), ...(readOnly === undefined ? {} : { readOnly }) };
}

export function plainManifest(value: Plain | undefined): Manifest | undefined {
  if (!isPlainRecord(value)) return undefined;
  const shape = plainShape(value.shape);
  const limits = plainLimits(value.limits);
  const { label, cpus } = value;
  if (shape === undefined || limits === undefined || !isCount(label) || label > 0xffff_ffff || !Array.isArray(cpus)) return undefined;
  const routes: { isa: Isa; plugin: PluginRef }[] = [];
  for (const cpu of cpus as readonly Plain[]) {
    if (!isPlainRecord(cpu) || !isPlainRecord(cpu.plugin) || typeof cpu.plugin.use !== 'string' || !ISAS.includes(cpu.isa as Isa))
      return undefined;
    const { use, config } = cpu.plugin;
    routes.push({ isa: cpu.isa as Isa, plugin: config === undefined ? { use } : { use, config } });
  }
  return { shape, limits, label, cpus: routes };
}
