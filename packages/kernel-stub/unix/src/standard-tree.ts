import type { Instant } from '@ashlar/hardware';
import { Devpts, makeDevfs } from './devfs.ts';
import { Devices } from './devices.ts';
import type { Filesystem } from './filesystem.ts';
import type { UnixHost } from './host.ts';
import { Procfs } from './procfs.ts';
import { Tmpfs } from './tmpfs.ts';
import { type Asker, Files, type MountSpec } from './vfs.ts';

/** st_dev of the file systems every Unix-like stub has; {@link PTS_DEVICE} is one of them. Stubs number theirs from 16. */
export const StandardDevice = { ROOT: 1, DEV: 3, SHM: 4, PROC: 6 } as const;
/** Share of the domain's memory that /dev/shm may take, as on Linux. */
const SHM_PART = 2;
const SHM_NODES = 65536;

/** The tree of a Unix-like stub: its own root, and /dev, /dev/pts, /dev/shm and /proc of this library; then what else it mounts. */
export function standardTree(host: UnixHost, root: Filesystem, further: readonly MountSpec[] = []): Files {
  const devices = new Devices(host);
  const asker: Asker = { pid: 0, thread: 0 };
  const account = host.machine.memory;
  const now = (out: Instant): void => host.clock('wall', out);
  const bootAt = { sec: host.bootSec, nsec: 0 };
  const procfs = new Procfs(StandardDevice.PROC, {
    host,
    asker,
    mounts: () => files.mounts(),
    backingPath: (id) => files.backings.placeOf(id),
  });
  const shm = new Tmpfs({ device: StandardDevice.SHM, account, now, pages: Math.floor(account.limitPages / SHM_PART), nodes: SHM_NODES });
  const files: Files = new Files(host, {
    devices,
    asker,
    mounts: [
      { filesystem: root, path: '/' },
      { filesystem: makeDevfs({ device: StandardDevice.DEV, account, now }), path: '/dev' },
      { filesystem: new Devpts(devices, bootAt), path: '/dev/pts' },
      { filesystem: shm, path: '/dev/shm' },
      { filesystem: procfs, path: '/proc' },
      ...further,
    ],
  });
  return files;
}
