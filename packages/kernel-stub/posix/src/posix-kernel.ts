import type { Instant, Machine, Step } from '@ashlar/hardware';
import { FEATURE_GROUPS } from '@ashlar/kernel-stub';
import { Config, kernelStub, LowerMachine } from '@ashlar/plugin';
import { type MountSpec, ShareFilesystem, StandardDevice, standardTree, Tmpfs, type UnixHost, UnixKernel } from '@ashlar/unix';
import { CachedFilesystem } from './cached-filesystem.ts';
import { type PosixConfig, posixConfig } from './config.ts';

/** The share that holds the root file system. */
const ROOT_SHARE = 'root';
const NODES_MAX = 16384;
const CACHE_PAGES_MAX = 16384;
const CACHE_PART = 16;
/** How long names and attributes are believed without asking: what others change is seen after that at the latest. */
const BELIEVED_NS = 100_000_000;
/** st_dev of the first tmpfs that a config asks for. */
const FIRST_DEVICE = 16;
const TMPFS_PART = 2;
const TMPFS_NODES = 65536;

/**
 * A self-contained POSIX kernel: the library's processes, signals, pipes and terminals, over a VFS of its own. Names, attributes and pages of the
 * root share are cached; /dev, /dev/shm, /proc and what `tmpfs` names live in the domain.
 */
@kernelStub({
  name: 'posix',
  interface: '1',
  version: '0.1.0',
  summary: 'POSIX with its own cached file system',
  config: posixConfig,
  inject: [LowerMachine, Config],
  traits: { features: FEATURE_GROUPS },
})
export class PosixKernel extends UnixKernel {
  override readonly schema = 'posix/1';
  readonly #cache: CachedFilesystem;
  readonly #machine: Machine;
  readonly #now: Instant = { sec: 0, nsec: 0 };
  readonly #agedAt: Instant = { sec: 0, nsec: 0 };

  constructor(machine: Machine, config: PosixConfig) {
    let cache: CachedFilesystem | undefined;
    super(machine, (host) => {
      const account = machine.memory;
      const pages = config.cachePages ?? Math.min(CACHE_PAGES_MAX, Math.floor(account.limitPages / CACHE_PART));
      cache = new CachedFilesystem(new ShareFilesystem(host, ROOT_SHARE, StandardDevice.ROOT), account, { nodes: NODES_MAX, pages });
      return standardTree(host, cache, memoryMounts(host, config.tmpfs));
    });
    this.#cache = cache as unknown as CachedFilesystem;
    this.#machine = machine;
  }

  override step(budget: number): Step | Promise<Step> {
    this.#machine.clock.read('monotonic', this.#now);
    const { sec, nsec } = this.#now;
    if ((sec - this.#agedAt.sec) * 1e9 + nsec - this.#agedAt.nsec >= BELIEVED_NS) {
      this.#agedAt.sec = sec;
      this.#agedAt.nsec = nsec;
      this.#cache.age();
    }
    return super.step(budget);
  }
}

function memoryMounts(host: UnixHost, paths: readonly string[]): MountSpec[] {
  const account = host.machine.memory;
  const now = (out: Instant): void => host.clock('wall', out);
  const pages = Math.floor(account.limitPages / TMPFS_PART);
  return paths.map((path, index) => ({
    path,
    filesystem: new Tmpfs({ device: FIRST_DEVICE + index, account, now, pages, nodes: TMPFS_NODES }),
  }));
}
