import { Errno, type Result } from '@ashlar/hardware';
import { SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import type { Description } from './description.ts';

/** Descriptors of a process: shared by threads (CLONE_FILES), copied by fork. Each entry holds its description. */
export class DescriptorTable {
  references = 1;
  readonly #entries: (Description | undefined)[] = [];
  readonly #closeOnExec: boolean[] = [];
  /** No descriptor below this is free. */
  #lowestFree = 0;

  /** One past the highest descriptor that may be in use. */
  get length(): number {
    return this.#entries.length;
  }

  get(fd: number): Description | undefined {
    return this.#entries[fd];
  }

  /** Lowest free descriptor ≥ `least`, which takes over the caller's reference; -EMFILE at `limit`. On failure the reference stays the caller's. */
  add(description: Description, least: number, closeOnExec: boolean, limit: number): Result {
    let fd = Math.max(least, this.#lowestFree);
    while (this.#entries[fd] !== undefined) fd++;
    if (fd >= Math.min(limit, SYSTEM_LIMITS.descriptors)) return -Errno.EMFILE;
    if (least <= this.#lowestFree) this.#lowestFree = fd + 1;
    this.#put(fd, description, closeOnExec);
    return fd;
  }

  /** At exactly that descriptor; what was there is released. */
  set(fd: number, description: Description, closeOnExec: boolean): void {
    const old = this.#entries[fd];
    this.#put(fd, description, closeOnExec);
    old?.release();
  }

  closeOnExec(fd: number): boolean {
    return this.#closeOnExec[fd] === true;
  }

  setCloseOnExec(fd: number, on: boolean): void {
    this.#closeOnExec[fd] = on;
  }

  /** false if it was not open. */
  remove(fd: number): boolean {
    const description = this.#entries[fd];
    if (description === undefined) return false;
    this.#entries[fd] = undefined;
    this.#closeOnExec[fd] = false;
    if (fd < this.#lowestFree) this.#lowestFree = fd;
    while (this.#entries.length > 0 && this.#entries[this.#entries.length - 1] === undefined) this.#entries.pop();
    this.#closeOnExec.length = this.#entries.length;
    description.release();
    return true;
  }

  /** A copy for a forked child. */
  copy(): DescriptorTable {
    const other = new DescriptorTable();
    this.#entries.forEach((description, fd) => {
      if (description !== undefined) other.#put(fd, description.hold(), this.closeOnExec(fd));
    });
    other.#lowestFree = this.#lowestFree;
    return other;
  }

  /** exec: closes what is marked. */
  closeMarked(): void {
    for (let fd = this.#entries.length - 1; fd >= 0; fd--) if (this.#closeOnExec[fd] === true) this.remove(fd);
  }

  /** Descriptors in use, ascending. */
  open(): number[] {
    const fds: number[] = [];
    this.#entries.forEach((description, fd) => {
      if (description !== undefined) fds.push(fd);
    });
    return fds;
  }

  /** After a restore put entries in place. */
  findLowestFree(): void {
    this.#lowestFree = 0;
    while (this.#entries[this.#lowestFree] !== undefined) this.#lowestFree++;
  }

  /** One holder less; the last one closes everything. */
  release(): void {
    if (--this.references > 0) return;
    for (let fd = this.#entries.length - 1; fd >= 0; fd--) this.remove(fd);
  }

  #put(fd: number, description: Description, closeOnExec: boolean): void {
    while (this.#entries.length < fd) {
      this.#entries.push(undefined);
      this.#closeOnExec.push(false);
    }
    this.#entries[fd] = description;
    this.#closeOnExec[fd] = closeOnExec;
  }
}
