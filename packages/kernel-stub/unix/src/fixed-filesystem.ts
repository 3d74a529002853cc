import type { AttributeChange, Attributes, FilesystemStatistics, Reply } from '@ashlar/hardware';
import { Errno } from '@ashlar/hardware';
import type { DirectorySink, Io } from '@ashlar/kernel-stub';
import type { Filesystem, FollowedLink } from './filesystem.ts';

/** A file system whose names cannot be changed: procfs, devpts. Its nodes need no references. */
export abstract class FixedFilesystem implements Filesystem {
  abstract readonly device: number;
  abstract readonly type: string;
  abstract readonly magic: number;
  abstract readonly root: number;
  readonly readOnly = false;

  abstract lookup(parent: number, name: Uint8Array, out: Attributes): Reply;
  abstract getattr(node: number, out: Attributes): Reply;
  abstract readlink(node: number, to: Uint8Array): Reply;
  abstract read(node: number, at: number, io: Io): Reply;
  abstract write(node: number, at: number, io: Io): Reply;
  abstract readdir(node: number, position: number, sink: DirectorySink): Reply;

  /** O_TRUNC of a file that takes writes is accepted; nothing else can be set. */
  setattr(_tag: number, node: number, change: AttributeChange, out: Attributes): Reply {
    const onlySize = change.mode === undefined && change.uid === undefined && change.gid === undefined;
    return onlySize ? this.getattr(node, out) : -Errno.EPERM;
  }

  create(): Reply {
    return -Errno.ENOENT;
  }

  mkdir(): Reply {
    return -Errno.ENOENT;
  }

  symlink(): Reply {
    return -Errno.ENOENT;
  }

  link(): Reply {
    return -Errno.ENOENT;
  }

  unlink(): Reply {
    return -Errno.EPERM;
  }

  rmdir(): Reply {
    return -Errno.EPERM;
  }

  rename(): Reply {
    return -Errno.EPERM;
  }

  fsync(_node: number): Reply {
    return -Errno.EINVAL;
  }

  statfs(out: FilesystemStatistics): Reply {
    out.blockBytes = 4096;
    out.blocks = 0;
    out.blocksFree = 0;
    out.nodes = 0;
    out.nodesFree = 0;
    return 0;
  }

  forget(_node: number): void {}

  follow(_node: number): FollowedLink | undefined {
    return undefined;
  }
}
