import type { Backing, Reply } from '@ashlar/hardware';
import type { Executable } from './files.ts';
import { BytesIo } from './io.ts';
import type { BackingTable } from './node-backing.ts';
import type { PlaceTable, TreePlace } from './tree-place.ts';

/** What an executable gives its holds back to. */
export interface ExecutableOwner {
  readonly places: PlaceTable;
  readonly backings: BackingTable;
}

/** A program file in use. */
export class TreeExecutable implements Executable {
  readonly place: TreePlace;
  readonly path: string;
  readonly size: number;
  readonly backing: Backing;
  readonly #owner: ExecutableOwner;
  readonly #io = new BytesIo(new Uint8Array());

  constructor(owner: ExecutableOwner, place: TreePlace, root: TreePlace, size: number) {
    this.#owner = owner;
    this.place = place;
    this.path = place.pathFrom(root);
    this.size = size;
    this.backing = owner.backings.hold(place);
  }

  read(at: number, to: Uint8Array): Reply {
    this.#io.reset(to);
    return this.place.filesystem.read(this.place.node, at, this.#io);
  }

  close(): void {
    this.#owner.backings.drop(this.place.filesystem, this.place.node);
    this.#owner.places.drop(this.place);
  }
}
