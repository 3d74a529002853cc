import type { CpuProfile } from 'ashlar';
import { describe, expect, it } from 'vitest';
import { guestStack } from './guest-stack.ts';

const SIM = { use: 'sim', seed: 7 } as const;

async function observe(hypervisors: readonly string[], profileInterval?: number) {
  const stack = await guestStack({ hardware: SIM, hypervisors }, profileInterval === undefined ? {} : { profileInterval });
  try {
    const { text } = await stack.run(['/guests/calls']);
    const retired = (await stack.usage()).at(-1)?.retired ?? 0;
    return { text, retired, profile: profileInterval === undefined ? undefined : await stack.profile() };
  } finally {
    await stack.stop();
  }
}

/** Paths of function names from the root, with the samples in each. */
function paths({ nodes }: CpuProfile): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, number>();
  const visit = (id: number, above: string): void => {
    const node = byId.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    const path = above === '' ? node.callFrame.functionName : `${above} ${node.callFrame.functionName}`;
    found.set(path, (found.get(path) ?? 0) + node.hitCount);
    for (const child of node.children) visit(child, path);
  };
  visit(1, '');
  return found;
}

describe('a profile', () => {
  it('names functions with who called them, in each process', async () => {
    const { profile } = await observe(['direct'], 400);
    const found = paths(profile as CpuProfile);
    const main = (process: number): string => `(root) /guests/calls [${process}] _start guest_start main`;
    for (const path of ['with_callback callback', 'large_frame sum_leaf', 'dynamic_frame sum_leaf', 'large_frame']) {
      expect(found.get(`${main(2)} ${path}`), path).toBeGreaterThan(0);
    }
    expect(found.get(`${main(1)}${' fibonacci'.repeat(10)}`)).toBeGreaterThan(0);
    // Nearly all is in functions whose callers are known to the first.
    const all = [...found.values()].reduce((sum, hits) => sum + hits, 0);
    const whole = [...found].reduce((sum, [path, hits]) => sum + (path.includes(' _start') ? hits : 0), 0);
    expect(whole / all).toBeGreaterThan(0.98);
  });

  it('is the same twice, under any chain, and changes nothing of what the guest does', async () => {
    const plain = await observe(['direct']);
    const first = await observe(['direct'], 777);
    expect({ ...first, profile: undefined }).toEqual(plain);
    expect(await observe(['direct'], 777)).toEqual(first);
    expect(await observe(['worker', 'direct'], 777)).toEqual(first);
    expect(await observe([], 777)).toMatchObject({ text: plain.text, profile: first.profile });
  });

  it('is refused where none is taken', async () => {
    const stack = await guestStack({ hardware: SIM, hypervisors: ['direct'] });
    try {
      await expect(stack.profile()).rejects.toThrow('no profile is taken');
    } finally {
      await stack.stop();
    }
  });
});
