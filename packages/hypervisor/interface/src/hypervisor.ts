import type { Payload } from '@ashlar/hardware';
import type { Domain, DomainSpec } from './domain.ts';

/**
 * One Machine in, many Domains out, each domain a Machine; itself a payload, so hypervisors nest without special cases.
 *
 * Every implementation keeps Popek and Goldberg's three properties, which its conformance suite tests: *equivalence* (same guest, same results),
 * *resource control* (a child never gets more than its parent has, and cannot outlast what it was given), *efficiency* (unprivileged instructions
 * run without it; exits are counted where the crossing happens).
 */
export interface Hypervisor extends Payload {
  /** Rejects with a {@link DomainRefused} and leaves nothing behind. */
  create(spec: DomainSpec): Promise<Domain>;
  readonly domains: ReadonlyMap<string, Domain>;
}

/** Why a domain could not be made. `errno` is a positive number of `Errno`. */
export interface DomainRefused extends Error {
  readonly errno: number;
}

/** Smallest and largest values of {@link Limits}, and how many domains one hypervisor holds. */
export const DOMAIN_LIMITS = { weightMin: 1, weightMax: 10_000, capMin: 1, capMax: 1000, domainsMax: 1024, depthMax: 64 } as const;

/** What a hypervisor is given at its start. */
export interface DomainPlan {
  readonly domains: readonly DomainSpec[];
  readonly flatten: boolean;
}
