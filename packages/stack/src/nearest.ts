import { closest, distance } from 'fastest-levenshtein';

/** The choice that `value` was most likely meant to be, or undefined if none is near. */
export function nearest(value: string, choices: readonly string[]): string | undefined {
  if (choices.length === 0) return undefined;
  const best = closest(value, choices);
  return distance(value, best) <= Math.max(1, Math.floor(value.length / 2)) ? best : undefined;
}

/** «did you mean …», or the list of choices. Choices beyond the first 20 are left out. */
export function suggestion(value: string, choices: readonly string[]): string {
  const best = nearest(value, choices);
  if (best !== undefined) return `did you mean '${best}'?`;
  return choices.length === 0 ? 'there is no choice here' : `choose one of: ${choices.slice(0, 20).join(', ')}`;
}
