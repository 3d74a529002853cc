import { firstBlocks } from './beginning.ts';
import { type Flow, structure } from './flow.ts';
import { type Plan, type Plans, planGuards } from './guards.ts';
import { type Lifetimes, lifetimes } from './lifetimes.ts';
import type { Registers } from './operands.ts';
import { type Block, type Region, returns, successors } from './region.ts';
import { separateLoops } from './separation.ts';
import { isOverSoon, isSteady, steadyBlocks, structureVersions, type Version, versionLoops } from './versions.ts';
import { type Held, planWords, type Words } from './words.ts';

/** All that is decided of a region before it is written. */
export interface Blueprint {
  /** With its loops apart and in two versions. */
  readonly region: Region;
  readonly versions: readonly Version[];
  readonly flow: Flow;
  /** Blocks that look at the fuel when they begin, if they have code: no path goes on for ever without one. */
  readonly checkpoints: ReadonlySet<number>;
  /** Of each block, instructions on the longest path from it to the next look at the fuel. */
  readonly longest: ReadonlyMap<number, number>;
  readonly plans: Plans;
  readonly lifetimes: Lifetimes;
  readonly words: Words;
}

/** Decides all of it; `lasts`: see {@link versionLoops}. Planned once with every loop begun exactly, which tells where that is not best, and if there may be such loops, once more. */
export function planRegion(given: Region, lasts: boolean): Blueprint {
  const arranged = structure(given);
  const region = separateLoops(given, arranged.items, (header, members) => isSteady(given, arranged, header, members));
  const exact = region === given ? arranged : structure(region);
  const plain = plan(region, exact, lasts);
  const steadily = new Set(plain.versions.flatMap((version) => (isBegunSteadily(plain, version) ? [version.header] : [])));
  const isFinal = steadily.size === 0 && !plain.versions.some(isOverSoon);
  return isFinal ? plain : plan(region, exact, lasts, steadily);
}

function plan(region: Region, exact: Flow, lasts: boolean, steadily?: ReadonlySet<number>): Blueprint {
  const versioned = versionLoops(region, exact, lasts, steadily);
  const { versions } = versioned;
  const flow = versions.length === 0 ? exact : structureVersions(versioned);
  const begins = versions.flatMap(({ beginning }) => (beginning?.looksAtFuel === true ? [beginning.begin] : []));
  const checkpoints = new Set([...flow.selected.keys(), ...flow.headers, ...returns(versioned.region), ...begins]);
  const plans = planGuards(
    versioned.region,
    flow,
    new Set(versions.flatMap((version) => [...firstBlocks(version), ...steadyBlocks(version)])),
  );
  const lives = lifetimes(versioned.region, flow, checkpoints, plans, versions);
  return {
    region: versioned.region,
    versions,
    flow,
    checkpoints,
    longest: longestPaths(versioned.region, flow, checkpoints),
    plans,
    lifetimes: lives,
    words: planWords(versioned.region, flow, lives.read),
  };
}

/**
 * Whether a loop does better if its first turn is a steady one already: if that saves more checks than its admission has, and no register that is a word after a
 * turn is held in 64 bits all the time because it may be anything before the first.
 */
function isBegunSteadily({ region, plans, words, lifetimes: { read } }: Blueprint, version: Version): boolean {
  const { header, admission, members, reaches, naturals, couldBegin } = version;
  if (couldBegin === undefined) return false;
  const [before, after] = [words.start.get(header) as Held, words.start.get(admission) as Held];
  if ((after.words & ~before.words & (read.get(header) as Registers).x) !== 0) return false;
  let checks = 0;
  for (const pc of members) {
    const guards = plans.blocks.get(pc) as Plan;
    for (const [i, { access }] of (region.blocks.get(pc) as Block).ops.entries()) {
      if (access !== undefined && guards.get(i) !== 'guarded') checks++;
    }
  }
  const lookedAt = reaches.length + naturals.length;
  // What is looked at takes as long as a check or two.
  return checks > lookedAt || (checks === 1 && lookedAt === 1 && couldBegin.gate === undefined);
}

function longestPaths(region: Region, flow: Flow, checkpoints: ReadonlySet<number>): ReadonlyMap<number, number> {
  const longest = new Map<number, number>();
  for (const pc of flow.order.toReversed()) {
    const block = region.blocks.get(pc) as Block;
    let rest = 0;
    for (const to of successors(region, block)) if (!checkpoints.has(to)) rest = Math.max(rest, longest.get(to) as number);
    longest.set(pc, block.ops.length + rest);
  }
  return longest;
}
