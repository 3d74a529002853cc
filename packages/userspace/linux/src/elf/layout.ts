import { PAGE_BYTES } from '@ashlar/hardware';

/**
 * Where the parts of a program lie in its address space. Nothing is random: Linux's randomisation guards programs from their own bugs, and
 * would make two runs differ.
 *
 *     low   image (static: where it was linked, usually 0x10000; movable: IMAGE_BASE)
 *           guard, GUARD_BYTES never mapped
 *           stack, STACK_BYTES, growing down
 *           sigreturn page
 *           heap, growing up, HEAP_BYTES at most (allocators go on with mmap when brk refuses)
 *     high  interpreter, then mappings of the program, lowest gap first
 *
 * Linux keeps stack and mappings at the top. Here they follow the image closely, because a CPU's memory reaches as far as the highest
 * address in use; and the heap follows the stack, so that a program that needs little of it needs little memory. (Linux puts a gap between image and
 * heap too, of any size, so no program can count on what lies there.)
 */
export const IMAGE_BASE = 0x1_0000;
export const HEAP_BYTES = 24 << 20;
/** Linux's stack_guard_gap: 256 pages. */
export const GUARD_BYTES = 256 * PAGE_BYTES;
/** The usual soft RLIMIT_STACK. */
export const STACK_BYTES = 8 << 20;

export interface Layout {
  readonly heapStart: number;
  readonly stackStart: number;
  readonly stackEnd: number;
  /** The page that a signal handler returns to. */
  readonly sigreturn: number;
  readonly mapStart: number;
}

/** Bytes that lie between the end of the image and the first mapping. */
const BETWEEN = HEAP_BYTES + GUARD_BYTES + STACK_BYTES + PAGE_BYTES;

/** Lays out what follows an image that occupies [imageStart, imageEnd) of [base, limit); undefined if there is no room. */
export function layOut(imageStart: number, imageEnd: number, base: number, limit: number): Layout | undefined {
  // An image linked near the top leaves no room above; then everything else goes below it.
  const above = imageEnd + BETWEEN + (16 << 20) <= limit;
  const floor = Math.max(base, IMAGE_BASE);
  if (!above && floor + BETWEEN > imageStart) return undefined;
  const start = above ? imageEnd : floor;
  const stackStart = start + GUARD_BYTES;
  const stackEnd = stackStart + STACK_BYTES;
  const heapStart = stackEnd + PAGE_BYTES;
  return { heapStart, stackStart, stackEnd, sigreturn: stackEnd, mapStart: heapStart + HEAP_BYTES };
}
