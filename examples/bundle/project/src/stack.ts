import type { Tier } from './tiers.ts';

/** Draws tiers as boxes, the last one on top. */
export function* stack(tiers: readonly Tier[]): Generator<string> {
  const width = Math.max(...tiers.map(({ name }) => name.length));
  for (const { name, offers } of [...tiers].reverse()) yield `│ ${name.padEnd(width)} │ offers ${offers}`;
}
