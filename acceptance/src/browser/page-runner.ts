/**
 * As much of vitest as the directed tests of the CPU use, for a page: bundled in its place. `runAll` runs what was registered and gives what failed.
 */
interface Registered {
  readonly name: string;
  readonly run: () => unknown;
}

const registered: Registered[] = [];
const path: string[] = [];

const titled = (name: string, value: unknown): string =>
  name.replace(/\$(\w+)/g, (_, key: string) => String((value as Record<string, unknown>)[key])).replace(/%[sdij]/, String(value));

export function describe(name: string, body: () => void): void {
  path.push(name);
  body();
  path.pop();
}
describe.each =
  <T>(values: readonly T[]) =>
  (name: string, body: (...value: unknown[]) => void): void => {
    for (const value of values) describe(titled(name, value), () => (Array.isArray(value) ? body(...value) : body(value)));
  };
describe.skipIf = (): typeof describe => describe;

/** Options, such as a timeout, come before or behind the body. */
export function it(name: string, ...rest: readonly unknown[]): void {
  const run = rest.find((each) => typeof each === 'function') as () => unknown;
  registered.push({ name: [...path, name].join(' > '), run });
}
it.each =
  <T>(values: readonly T[]) =>
  (name: string, body: (...value: unknown[]) => unknown): void => {
    for (const value of values) it(titled(name, value), () => (Array.isArray(value) ? body(...value) : body(value)));
  };
export const test = it;

const show = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))?.slice(0, 400) ?? String(value);

/** Deep equality as `toEqual` has it: absent and undefined properties are the same; with `partial`, properties that are not wanted are not looked at. */
function equal(found: unknown, wanted: unknown, partial: boolean): boolean {
  if (Object.is(found, wanted)) return true;
  if (wanted instanceof Containing) return wanted.items.every((item) => (found as unknown[]).some((each) => equal(each, item, partial)));
  if (typeof found !== 'object' || typeof wanted !== 'object' || found === null || wanted === null) return false;
  const isList = (value: object): value is ArrayLike<unknown> => Array.isArray(value) || ArrayBuffer.isView(value);
  if (isList(found) !== isList(wanted)) return false;
  const [mine, theirs] = [found as Record<string, unknown>, wanted as Record<string, unknown>];
  if (isList(found) && (mine.length !== theirs.length || mine.constructor !== theirs.constructor)) return false;
  const keys = new Set([...Object.keys(wanted), ...(partial ? [] : Object.keys(found))]);
  return [...keys].every((key) => equal(mine[key], theirs[key], partial));
}

/** Wants a list that has these items. */
class Containing {
  constructor(readonly items: readonly unknown[]) {}
}

type Check = (found: unknown, wanted: unknown) => boolean;

const CHECKS: Readonly<Record<string, Check>> = {
  toBe: Object.is,
  toEqual: (found, wanted) => equal(found, wanted, false),
  toMatchObject: (found, wanted) => equal(found, wanted, true),
  toBeGreaterThan: (found, wanted) => (found as number) > (wanted as number),
  toBeGreaterThanOrEqual: (found, wanted) => (found as number) >= (wanted as number),
  toBeLessThan: (found, wanted) => (found as number) < (wanted as number),
  toBeLessThanOrEqual: (found, wanted) => (found as number) <= (wanted as number),
  toBeUndefined: (found) => found === undefined,
  toHaveLength: (found, wanted) => (found as ArrayLike<unknown>).length === wanted,
  toContain: (found, wanted) => (found as string | unknown[]).includes(wanted as never),
  toThrow: (found, wanted) => {
    try {
      (found as () => unknown)();
      return false;
    } catch (error) {
      const { message } = error as Error;
      return wanted === undefined || (wanted instanceof RegExp ? wanted.test(message) : message.includes(String(wanted)));
    }
  },
};

export function expect(found: unknown, about = ''): Record<string, unknown> {
  const matchers = (negated: boolean): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(CHECKS).map(([name, check]) => [
        name,
        (wanted?: unknown) => {
          if (check(found, wanted) === negated)
            throw new Error(`${about} expected ${show(found)} ${negated ? 'not ' : ''}${name} ${show(wanted)}`);
        },
      ]),
    );
  return { ...matchers(false), not: matchers(true) };
}

expect.arrayContaining = (items: readonly unknown[]): Containing => new Containing(items);

export async function runAll(): Promise<{ readonly passed: number; readonly failed: readonly string[] }> {
  const failed: string[] = [];
  for (const { name, run } of registered) {
    try {
      await run();
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return { passed: registered.length - failed.length, failed };
}
