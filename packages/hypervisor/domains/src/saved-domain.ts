import { Errno, type Instant, type PartReader, type PartWriter, type Payload, type Plain, type Reply } from '@ashlar/hardware';
import { DomainError } from './domain-error.ts';
import type { DomainMachine } from './domain-machine.ts';
import { zero } from './instant.ts';

/** The saved form of a domain: clock, the devices it has open, payload. */
export const DOMAIN_SCHEMA = 'domain/1';

/** Devices answer a wait while requests are under way; nothing counts then: begin again with a fresh writer. */
export function saveDomain(machine: DomainMachine, payload: Payload, out: PartWriter): Reply {
  const now = zero();
  machine.domainClock.read('monotonic', now);
  const wall = zero();
  machine.domainClock.read('wall', wall);
  out.put('schema', DOMAIN_SCHEMA);
  out.put('payload-schema', payload.schema);
  out.put('monotonic', [now.sec, now.nsec]);
  out.put('wall', [wall.sec, wall.nsec]);
  const devices = out.part('devices');
  for (const [name, device] of [...machine.opened].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const quiet = device.quiesce(now);
    if (quiet !== 0) return quiet;
    const part = devices.part(name);
    part.put('schema', device.schema);
    const saved = device.save(part.part('state'));
    if (saved !== 0) return saved;
  }
  return payload.save(out.part('payload'));
}

/** Puts clock and devices back; the payload is restored after this. A wait must be awaited and all asked again. */
export function restoreMachine(machine: DomainMachine, from: PartReader): Reply {
  const schema = from.get('schema');
  if (schema !== DOMAIN_SCHEMA) throw new DomainError(Errno.EINVAL, `saved as ${String(schema)}, and this program reads ${DOMAIN_SCHEMA}`);
  machine.domainClock.set(readInstant(from.get('monotonic')), machine.shape.virtualTime ? readInstant(from.get('wall')) : undefined);
  const devices = from.part('devices');
  for (const name of devices.parts()) {
    const device = machine.driver(name);
    if (device === undefined)
      throw new DomainError(Errno.ENODEV, `the saved domain used device "${name}", which this machine does not have`);
    const part = devices.part(name);
    const saved = part.get('schema');
    if (saved !== device.schema)
      throw new DomainError(Errno.EINVAL, `device "${name}" was saved as ${String(saved)}; here it is ${device.schema}`);
    const reply = device.restore(part.part('state'));
    if (typeof reply !== 'number') return reply;
    if (reply < 0) throw new DomainError(reply, `device "${name}" refused its saved state`);
  }
  return 0;
}

function readInstant(value: Plain): Instant {
  const [sec, nsec] = Array.isArray(value) ? (value as readonly Plain[]) : [];
  if (!Number.isSafeInteger(sec) || !Number.isSafeInteger(nsec)) throw new DomainError(Errno.EINVAL, 'the saved domain has no valid clock');
  return { sec: sec as number, nsec: nsec as number };
}
