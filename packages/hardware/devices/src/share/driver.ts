import {
  type Attributes,
  Errno,
  type EventKey,
  type Events,
  FileType,
  type Instant,
  type PartReader,
  type PartWriter,
  type Reply,
  type Result,
  ROOT_NODE,
  type Share,
  type Tree,
} from '@ashlar/hardware';
import { blankAttributes } from './attributes.ts';
import { restoreTree, saveTree } from './layered-state.ts';
import { LayeredTree } from './layered-tree.ts';
import { ShareOpener } from './opener.ts';
import { type Mount, Volumes } from './volumes.ts';

/** What a share is made of. */
export interface ShareOptions {
  /** Read-only layers, lowest first. Whoever made them closes them, after the driver. */
  readonly layers: readonly Tree[];
  /** Bytes that the writable layer may hold, its own records counted. Default: 1 GiB. */
  readonly writableBytes?: number;
  /** Live host folders and files. The driver closes them. */
  readonly volumes?: readonly Mount[];
  readonly events: Events;
  /** Wall-clock time, for time stamps. */
  readonly now: (out: Instant) => void;
  /** Most nodes known at a time. Default: 1,000,000. */
  readonly nodesMax?: number;
}

const GIB = 2 ** 30;

/**
 * The file tree of one domain's share: layers, a writable layer over them, and volumes; shared by all who open it. Each opener holds its own
 * references and tags, so resetting or closing one takes nothing from another.
 */
export class ShareDriver {
  readonly schema = 'share-tree/1';
  readonly tree: LayeredTree;
  readonly volumes: Volumes;
  readonly event: EventKey;
  /** Volumes by the number of the node that they cover. */
  readonly mounts = new Map<number, number>();
  readonly openers = new Set<ShareOpener>();
  readonly #events: Events;

  /** @throws Error naming the volume, if its mount point cannot be made */
  constructor(options: ShareOptions) {
    this.tree = new LayeredTree({
      layers: options.layers,
      writableBytes: options.writableBytes ?? GIB,
      nodesMax: options.nodesMax ?? 1_000_000,
      now: options.now,
    });
    this.volumes = new Volumes(options.volumes ?? []);
    this.#events = options.events;
    this.event = options.events.allocate();
    this.#mountAll();
  }

  /** The share as one consumer has it. */
  open(): Share {
    const opener = new ShareOpener(this, () => this.openers.delete(opener));
    this.openers.add(opener);
    return opener;
  }

  /** Writes the tree, and which nodes of volumes are held. Openers write their own part. */
  save(out: PartWriter): Reply {
    saveTree(this.tree, out.part('tree'));
    out.put(
      'volumes',
      this.volumes.mounts.map(({ guest }) => guest),
    );
    out.put('held', this.volumes.save());
    return 0;
  }

  /** -EINVAL if it was saved with other layers or volumes; the tree is as new then. */
  restore(part: PartReader): Reply {
    const guests = part.get('volumes');
    const here = this.volumes.mounts;
    if (!Array.isArray(guests) || guests.length !== here.length || here.some(({ guest }, i) => guest !== guests[i])) return -Errno.EINVAL;
    const result = restoreTree(this.tree, part.part('tree'));
    this.mounts.clear();
    this.#mountAll();
    return result < 0 ? result : this.volumes.restore(part.get('held'));
  }

  close(): void {
    for (const opener of [...this.openers]) opener.close();
    for (const { backend } of this.volumes.mounts) backend.close();
    this.#events.release(this.event);
  }

  #mountAll(): void {
    this.volumes.mounts.forEach(({ guest }, index) => {
      const number = this.#mountPoint(guest, index);
      this.tree.reference(number, 1);
      this.mounts.set(number, index);
    });
  }

  /** Finds or makes the node that a volume covers; symbolic links of the image are not followed. */
  #mountPoint(guest: string, index: number): number {
    const names = guest.split('/').filter((name) => name !== '');
    if (names.length === 0) throw new Error(`volume at ${guest}: the root of the share cannot be covered; choose a folder below it`);
    const root = blankAttributes();
    if (this.volumes.rootAttributes(index, root) < 0) throw new Error(`volume at ${guest}: its folder cannot be read`);
    const isFile = (root.mode & FileType.MASK) === FileType.REGULAR;
    const attributes = blankAttributes();
    let at: number = ROOT_NODE;
    names.forEach((text, i) => {
      const name = new TextEncoder().encode(text);
      const wantsFile = isFile && i === names.length - 1;
      let found = this.tree.lookup(at, name, attributes);
      if (found === -Errno.ENOENT) {
        found = wantsFile ? this.tree.create(at, name, 0o644, 0, attributes) : this.tree.mkdir(at, name, 0o755, attributes);
      }
      const type = attributes.mode & FileType.MASK;
      if (found < 0 || (type === FileType.REGULAR) !== wantsFile || (!wantsFile && type !== FileType.DIRECTORY)) {
        const why = found < 0 ? 'cannot be made' : `is not a ${wantsFile ? 'file' : 'folder'} in the image`;
        throw new Error(`volume at ${guest}: /${names.slice(0, i + 1).join('/')} ${why}`);
      }
      if (this.mounts.has(found)) throw new Error(`volume at ${guest}: it lies at or below another volume`);
      at = found;
    });
    return at;
  }

  /** A node that was found in the tree, or the root of the volume that covers it. */
  covered(number: number, out: Attributes): Result {
    const index = number < 0 ? undefined : this.mounts.get(number);
    if (index === undefined) return number;
    const result = this.volumes.rootAttributes(index, out);
    return result < 0 ? result : out.node;
  }
}
