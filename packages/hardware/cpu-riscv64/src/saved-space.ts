import { type Backing, Errno, type PartReader, type PartWriter, type Plain, type Reply } from '@ashlar/hardware';
import { GUEST_LIMIT, PAGE_SIZE, Perm } from './layout.ts';
import { MAPPINGS_MAX, type Region } from './mappings.ts';
import { allowed } from './residency.ts';
import type { SharedObject } from './shared.ts';
import type { Riscv64Space } from './space.ts';

const SCHEMA = 'riscv64-space/1';

/** A region as it is saved. `backing`: its id, or null for zeroes; `shared`: the object's id, or null. */
type SavedRegion = readonly [start: number, end: number, prot: number, backing: string | null, first: number, shared: string | null];

export function saveSpace(space: Riscv64Space, out: PartWriter): Reply {
  out.put('schema', SCHEMA);
  const regions: SavedRegion[] = [];
  const objects = new Set<SharedObject>();
  for (const r of space.regions.all()) {
    regions.push([r.start, r.end, r.prot, r.backing?.id ?? null, r.first, r.shared?.id ?? null]);
    if (r.shared?.isFirst(space.residency)) objects.add(r.shared);
  }
  out.put('regions', regions);
  out.put('resident', space.residency.count);
  for (const [start, end] of space.residency.runs()) {
    for (let page = start; page < end; page++) out.page('pages', page, space.residency.bytesOf(page));
  }
  const parked: string[] = [];
  for (const object of objects) {
    // Named only with pages: no reader is asked for a key without any.
    let pages = 0;
    for (const [index, bytes] of object.parked()) {
      out.page(`parked:${parked.length}`, index, bytes);
      pages++;
    }
    if (pages > 0) parked.push(object.id);
  }
  out.put('parked', parked);
  return 0;
}

/** -EINVAL for another schema or malformed data; -ENOMEM, and the space is as good as new after its destroy. */
export function restoreSpace(space: Riscv64Space, part: PartReader, backingOf: (id: string) => Backing | undefined): Reply {
  if (part.get('schema') !== SCHEMA) return -Errno.EINVAL;
  const regions = readRegions(part.get('regions'));
  const parked = part.get('parked');
  if (regions === undefined || !Array.isArray(parked)) return -Errno.EINVAL;
  for (const [start, end, prot, backingId, first, sharedId] of regions) {
    const backing = backingId === null ? undefined : backingOf(backingId);
    if (backingId !== null && backing === undefined) return -Errno.EINVAL;
    const shared = sharedId === null ? undefined : space.objects.named(sharedId, backing);
    const region: Region = { start, end, prot, backing, first, shared };
    for (const _ of space.regions.within(start, end)) return -Errno.EINVAL;
    space.insert(region);
  }
  const reply = restorePages(space, part);
  return reply < 0 ? reply : restoreParked(space, part, parked);
}

function restorePages(space: Riscv64Space, part: PartReader): number {
  if (part.get('resident') === 0) return 0;
  const { residency } = space;
  for (const page of part.pages('pages')) {
    const region = space.regions.find(page);
    if (region === undefined) return -Errno.EINVAL;
    if (residency.account.charge(1) < 0) return -Errno.ENOMEM;
    const into = residency.place(page, allowed(region.prot) & (Perm.READ | Perm.EXEC));
    if (into === undefined) {
      residency.account.charge(-1);
      return -Errno.ENOMEM;
    }
    part.page('pages', page, into);
    region.shared?.adopt(region.first + (page - region.start), residency, page);
    region.shared?.wrote(region.first + (page - region.start));
  }
  return 0;
}

function restoreParked(space: Riscv64Space, part: PartReader, parked: readonly Plain[]): number {
  const { account } = space.residency;
  const bytes = new Uint8Array(PAGE_SIZE);
  for (const [i, id] of parked.entries()) {
    const key = `parked:${i}`;
    if (typeof id !== 'string') return -Errno.EINVAL;
    const object = space.objects.named(id, undefined);
    for (const index of part.pages(key)) {
      if (account.charge(1) < 0) return -Errno.ENOMEM;
      part.page(key, index, bytes);
      object.park(index, bytes, account);
    }
  }
  return 0;
}

function readRegions(value: Plain): readonly SavedRegion[] | undefined {
  if (!Array.isArray(value) || value.length > MAPPINGS_MAX) return undefined;
  return value.every(isSavedRegion) ? (value as unknown as readonly SavedRegion[]) : undefined;
}

function isSavedRegion(value: Plain): boolean {
  if (!Array.isArray(value) || value.length !== 6) return false;
  const [start, end, prot, backing, first, shared] = value as Plain[];
  const isPage = (n: Plain | undefined): boolean => typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= GUEST_LIMIT / PAGE_SIZE;
  const isName = (n: Plain | undefined): boolean => n === null || typeof n === 'string';
  const isIndex = typeof first === 'number' && Number.isSafeInteger(first) && first >= 0;
  return (
    isPage(start) &&
    isPage(end) &&
    (start as number) < (end as number) &&
    typeof prot === 'number' &&
    (prot & ~7) === 0 &&
    isIndex &&
    isName(backing) &&
    isName(shared)
  );
}
