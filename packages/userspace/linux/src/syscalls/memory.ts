import { Errno, type GuestAddress, PAGE_BYTES, type Reply } from '@ashlar/hardware';
import { MapFlag } from '@ashlar/kernel-stub';
import type { Call } from '../call.ts';
import { row, type Syscall } from './syscall.ts';

const MAP_TYPE = 0xf;
const MAP_SHARED_VALIDATE = 3;
const PROT_ALL = 7;
/** PROT_SEM, which says that atomics will be used; PROT_GROWSDOWN and PROT_GROWSUP are refused, since no mapping grows here. */
const PROT_SEM = 8;

const aligned = (address: number): boolean => address % PAGE_BYTES === 0;
/** To whole pages; exact up to 2^53, and beyond any space after that. */
const pageUp = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;

function mmap(call: Call): Reply {
  const flags = call.int(3);
  const bytes = pageUp(call.size(1));
  const offset = call.size(5);
  const type = flags & MAP_TYPE;
  if (bytes === 0 || !aligned(offset) || type < MapFlag.SHARED || type > MAP_SHARED_VALIDATE) return -Errno.EINVAL;
  if (offset > Number.MAX_SAFE_INTEGER) return -Errno.EOVERFLOW;
  let at = call.address(0);
  const fixed = (flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) !== 0;
  if (!aligned(at)) {
    if (fixed) return -Errno.EINVAL;
    at = (at - (at % PAGE_BYTES)) as GuestAddress;
  }
  if (bytes > call.space.limit || (fixed && at + bytes > call.space.limit)) return -Errno.ENOMEM;
  const sharing = type === MapFlag.PRIVATE ? MapFlag.PRIVATE : MapFlag.SHARED;
  const fd = (flags & MapFlag.ANONYMOUS) !== 0 ? -1 : call.int(4);
  return call.system.map(call.task, at, bytes, call.int(2) & PROT_ALL, (flags & ~MAP_TYPE) | sharing, fd, offset);
}

function munmap(call: Call): Reply {
  const at = call.address(0);
  const bytes = pageUp(call.size(1));
  if (!aligned(at) || bytes === 0 || at + bytes > call.space.limit) return -Errno.EINVAL;
  return call.system.unmap(call.task, at, bytes);
}

function mprotect(call: Call): Reply {
  const at = call.address(0);
  const bytes = pageUp(call.size(1));
  const prot = call.int(2);
  if (!aligned(at) || (prot & ~(PROT_ALL | PROT_SEM)) !== 0) return -Errno.EINVAL;
  if (bytes === 0) return 0;
  return at + bytes > call.space.limit ? -Errno.ENOMEM : call.system.protect(call.task, at, bytes, prot & PROT_ALL);
}

/** MREMAP_MAYMOVE 1, MREMAP_FIXED 2; DONTUNMAP is not offered. */
function mremap(call: Call): Reply {
  const at = call.address(0);
  const bytes = pageUp(call.size(1));
  const newBytes = pageUp(call.size(2));
  const flags = call.int(3);
  if (!aligned(at) || newBytes === 0 || bytes === 0 || (flags & ~3) !== 0 || flags === 2) return -Errno.EINVAL;
  const to = (flags & 2) !== 0 ? call.address(4) : (0 as GuestAddress);
  if (!aligned(to)) return -Errno.EINVAL;
  if (newBytes > call.space.limit || at + bytes > call.space.limit) return -Errno.ENOMEM;
  return call.system.remap(call.task, at, bytes, newBytes, flags, to);
}

function madvise(call: Call): Reply {
  const at = call.address(0);
  const bytes = pageUp(call.size(1));
  if (!aligned(at)) return -Errno.EINVAL;
  if (bytes === 0) return 0;
  return at + bytes > call.space.limit ? -Errno.ENOMEM : call.system.advise(call.task, at, bytes, call.int(2));
}

function msync(call: Call): Reply {
  const at = call.address(0);
  const bytes = pageUp(call.size(1));
  if (!aligned(at)) return -Errno.EINVAL;
  if (bytes === 0) return 0;
  return at + bytes > call.space.limit ? -Errno.ENOMEM : call.system.syncMemory(call.task, at, bytes, call.int(2));
}

/** Memory is never paged out, so locking it is done already. */
const locked = (): Reply => 0;

export const MEMORY_CALLS: readonly Syscall[] = [
  row(214, 'brk', 'void *end', (call) => call.system.heapEnd(call.task, call.address(0))),
  row(215, 'munmap', 'void *at, size_t length', munmap),
  row(216, 'mremap', 'void *at, size_t length, size_t new_length, int flags, void *new_at', mremap),
  row(222, 'mmap', 'void *at, size_t length, int prot, int flags, int fd, off_t offset', mmap),
  row(226, 'mprotect', 'void *at, size_t length, int prot', mprotect),
  row(227, 'msync', 'void *at, size_t length, int flags', msync),
  row(228, 'mlock', 'const void *at, size_t length', locked),
  row(229, 'munlock', 'const void *at, size_t length', locked),
  row(230, 'mlockall', 'int flags', locked),
  row(231, 'munlockall', '', locked),
  row(233, 'madvise', 'void *at, size_t length, int advice', madvise),
  // The interpreter looks at the memory itself on fence.i; for other harts there is nothing to do.
  row(259, 'riscv_flush_icache', 'void *start, void *end, unsigned long flags', (call) => (call.size(2) > 1 ? -Errno.EINVAL : 0)),
  row(284, 'mlock2', 'const void *at, size_t length, unsigned int flags', locked),
];
