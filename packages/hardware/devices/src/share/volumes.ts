import { type Attributes, Errno, type Plain, type Result, ROOT_NODE } from '@ashlar/hardware';
import { blankAttributes } from './attributes.ts';
import { NumberSpace } from './layers.ts';
import { keyOf } from './names.ts';
import type { VolumeBackend } from './volume.ts';

/** A volume and where it is mounted. */
export interface Mount {
  /** Absolute and normalised. */
  readonly guest: string;
  readonly backend: VolumeBackend;
}

interface Listed {
  readonly name: Uint8Array;
  readonly node: number;
  readonly type: number;
  readonly cookie: number;
}

interface Listing {
  /** Every name ever listed while the directory is held keeps its cookie. */
  readonly cookies: Map<string, number>;
  next: number;
  /** In the order of cookies, as of the last listing from the start. */
  entries: readonly Listed[] | undefined;
}

/** Most names of a volume's directory that are listed. */
const NAMES_MAX = 1_000_000;

/** The volumes of a share: their nodes under the share's numbers, who holds them, and stable listings. */
export class Volumes {
  readonly #held = new Map<number, number>();
  readonly #listings = new Map<number, Listing>();

  constructor(readonly mounts: readonly Mount[]) {
    if (mounts.length > NumberSpace.VOLUMES_MAX) throw new RangeError(`${mounts.length} volumes: at most ${NumberSpace.VOLUMES_MAX}`);
  }

  /** The volume that a number belongs to, or -1. */
  indexOf(number: number): number {
    if (number < NumberSpace.VOLUME_BASE) return -1;
    const index = Math.floor((number - NumberSpace.VOLUME_BASE) / NumberSpace.VOLUME_SIZE);
    return index < this.mounts.length ? index : -1;
  }

  backend(index: number): VolumeBackend {
    return this.mounts[index]!.backend;
  }

  /** The backend's number. */
  inner(number: number): number {
    return (number - NumberSpace.VOLUME_BASE) % NumberSpace.VOLUME_SIZE;
  }

  /** The share's number. */
  outer(index: number, node: number): number {
    return NumberSpace.VOLUME_BASE + index * NumberSpace.VOLUME_SIZE + node;
  }

  root(index: number): number {
    return this.outer(index, ROOT_NODE);
  }

  reference(number: number, count: number): void {
    this.#held.set(number, (this.#held.get(number) ?? 0) + count);
  }

  unreference(number: number, count: number): void {
    const left = (this.#held.get(number) ?? 0) - count;
    if (left > 0) {
      this.#held.set(number, left);
      return;
    }
    this.#held.delete(number);
    this.#listings.delete(number);
    this.backend(this.indexOf(number)).forget(this.inner(number));
  }

  /** As the share's `readdir`, over a listing that was made at cookie 0. */
  readdir(number: number, cookie: number, visit: (name: Uint8Array, node: number, type: number, cookie: number) => boolean): Result {
    const listing = this.#listing(number);
    if (cookie === 0 || listing.entries === undefined) {
      const result = this.#list(number, listing);
      if (result < 0) return result;
    }
    const entries = listing.entries ?? [];
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.cookie <= cookie) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < entries.length; i++) {
      const { name, node, type, cookie: at } = entries[i]!;
      if (!visit(name, node, type, at)) break;
    }
    return 0;
  }

  save(): Plain {
    return [...this.#held.keys()].map((number) => {
      const path = this.backend(this.indexOf(number)).pathOf(this.inner(number));
      const listing = this.#listings.get(number);
      const cookies = listing === undefined ? null : [...listing.cookies].flat();
      return { number, path: typeof path === 'number' ? null : path, cookies };
    });
  }

  /** Finds held nodes again; what is not there any more answers -ESTALE from now on. */
  restore(saved: Plain): Result {
    if (!Array.isArray(saved)) return -Errno.EINVAL;
    this.#held.clear();
    this.#listings.clear();
    for (const item of saved as readonly { readonly [key: string]: Plain }[]) {
      const { number, path, cookies } = item;
      if (typeof number !== 'number') return -Errno.EINVAL;
      const index = this.indexOf(number);
      if (index < 0) return -Errno.EINVAL;
      if (path instanceof Uint8Array) this.backend(index).adopt(this.inner(number), path);
      if (Array.isArray(cookies)) this.#restoreListing(number, cookies as readonly Plain[]);
    }
    return 0;
  }

  #restoreListing(number: number, pairs: readonly Plain[]): void {
    const listing = this.#listing(number);
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const cookie = Number(pairs[i + 1]);
      listing.cookies.set(String(pairs[i]), cookie);
      listing.next = Math.max(listing.next, cookie + 1);
    }
  }

  #listing(number: number): Listing {
    let listing = this.#listings.get(number);
    if (listing === undefined) {
      listing = { cookies: new Map(), next: 1, entries: undefined };
      this.#listings.set(number, listing);
    }
    return listing;
  }

  #list(number: number, listing: Listing): Result {
    const index = this.indexOf(number);
    const entries: Listed[] = [];
    let failed = 0;
    const result = this.backend(index).readdir(this.inner(number), (name, node, type) => {
      if (entries.length >= NAMES_MAX) failed = -Errno.ENFILE;
      const key = keyOf(name);
      let cookie = listing.cookies.get(key);
      if (cookie === undefined) {
        cookie = listing.next++;
        listing.cookies.set(key, cookie);
      }
      entries.push({ name: name.slice(), node: this.outer(index, node), type, cookie });
      return failed === 0;
    });
    if (result < 0) return result;
    if (failed < 0) return failed;
    if (listing.cookies.size > 2 * entries.length + 1024) forgetOld(listing, entries);
    listing.entries = entries.sort((a, b) => a.cookie - b.cookie);
    return 0;
  }

  /** What a mount shows in place of the directory under it. */
  rootAttributes(index: number, out: Attributes = blankAttributes()): Result {
    const result = this.backend(index).getattr(ROOT_NODE, out);
    if (result >= 0) out.node = this.root(index);
    return result;
  }
}

/** Names that are gone need their cookies no longer. */
function forgetOld(listing: Listing, entries: readonly Listed[]): void {
  listing.cookies.clear();
  for (const { name, cookie } of entries) listing.cookies.set(keyOf(name), cookie);
}
