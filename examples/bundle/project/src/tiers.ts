export interface Tier {
  readonly name: string;
  readonly offers: 'Machine' | 'System' | 'Session';
}

export const tiers: readonly Tier[] = [
  { name: 'hardware', offers: 'Machine' },
  { name: 'hypervisor', offers: 'Machine' },
  { name: 'kernel stub', offers: 'System' },
  { name: 'userspace', offers: 'Session' },
];
