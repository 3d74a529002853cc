import type { Plain } from '@ashlar/hardware';
import type { Core } from './core.ts';
import type { Caller, Credentials, Directories } from './host.ts';
import type { Place } from './place.ts';

/** Who asks when the operator does: init, as root, in the root directory. One per request under way, since its progress is kept in it. */
export class OperatorCaller implements Caller {
  readonly id = 1;
  readonly group = 1;
  readonly processGroup = 1;
  readonly session = 1;
  readonly controllingTerminal = undefined;
  readonly signalled = false;
  readonly directories: Directories;
  readonly credentials: Credentials;
  progress: Plain | undefined;
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    this.credentials = core.init.credentials;
    const root = core.files.root();
    core.files.hold(root);
    this.directories = { root, cwd: root, umask: 0 };
  }

  /** Takes over the reference to `place`. */
  changeDirectory(place: Place): void {
    this.#core.files.drop(this.directories.cwd);
    this.directories.cwd = place;
  }

  close(): void {
    this.#core.files.drop(this.directories.root);
    this.#core.files.drop(this.directories.cwd);
  }
}
