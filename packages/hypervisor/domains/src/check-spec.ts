import { Errno } from '@ashlar/hardware';
import { DOMAIN_LIMITS, type DomainSpec } from '@ashlar/hypervisor';
import { DomainError } from './domain-error.ts';

const NAME = /^[a-z0-9-]{1,64}$/;

/** Throws a {@link DomainError} for a spec that no hypervisor can take; what the machine has is checked when it is partitioned. */
export function checkSpec(spec: DomainSpec, siblings: ReadonlySet<string>): void {
  const { name, limits } = spec;
  if (!NAME.test(name))
    throw new DomainError(Errno.EINVAL, `domain name "${name.slice(0, 80)}": 1 to 64 characters of a-z, 0-9 and - are allowed`);
  if (siblings.has(name)) throw new DomainError(Errno.EEXIST, `domain "${name}" exists already`);
  if (siblings.size >= DOMAIN_LIMITS.domainsMax)
    throw new DomainError(Errno.ENOSPC, `domain "${name}": this hypervisor holds ${DOMAIN_LIMITS.domainsMax} domains already`);
  checkRange(name, 'limits.weight', limits.weight, DOMAIN_LIMITS.weightMin, DOMAIN_LIMITS.weightMax);
  checkRange(name, 'limits.capPerMille', limits.capPerMille, DOMAIN_LIMITS.capMin, DOMAIN_LIMITS.capMax);
  checkRange(name, 'limits.pages', limits.pages, 0, Number.MAX_SAFE_INTEGER);
}

function checkRange(name: string, field: string, value: number, low: number, high: number): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return;
  throw new DomainError(Errno.EINVAL, `domain "${name}": ${field} ${value} is not an integer from ${low} to ${high}`);
}
