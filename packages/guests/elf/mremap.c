/* mremap: shrink, grow in place or by moving, fixed targets. */
#include "guest.h"

static long remap(void *at, size_t old, size_t new, int flags, void *to) { return sys(mremap, at, old, new, flags, to); }

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  char *p = (char *)must(sys(mmap, NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 8; i++) p[i * 4096] = (char)('a' + i);
  say("shrink stays %d\n", remap(p, 8 * 4096, 4 * 4096, 0, NULL) == (long)p);
  PROBE("lb t2, 0(t1)", p + 4 * 4096, 0), show_probe("the tail is gone", (uintptr_t)p);
  say("grow in place %d\n", remap(p, 4 * 4096, 6 * 4096, 0, NULL) == (long)p);
  say("content %c%c%c%c, new pages %d %d\n", p[0], p[4096], p[8192], p[3 * 4096], p[4 * 4096], p[5 * 4096]);
  char *wall = p + 6 * 4096;
  say("a wall behind it %d\n", sys(mmap, wall, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (long)wall);
  show("cannot grow in place", remap(p, 6 * 4096, 20 * 4096, 0, NULL));
  char *moved = (char *)must(remap(p, 6 * 4096, 20 * 4096, 1, NULL));
  say("moved %d, content %c%c%c%c, new pages %d\n", moved != p, moved[0], moved[4096], moved[8192], moved[3 * 4096], moved[19 * 4096]);
  PROBE("lb t2, 0(t1)", p, 0), show_probe("the old place is gone", (uintptr_t)p);
  say("to a fixed place %d\n", remap(moved, 20 * 4096, 2 * 4096, 3, p) == (long)p);
  say("content %c%c\n", p[0], p[4096]);
  PROBE("lb t2, 0(t1)", moved, 0), show_probe("the old place is gone", (uintptr_t)moved);
  show("what is not mapped", remap(moved, 4096, 8192, 1, NULL));
  show("new size zero", remap(p, 4096, 0, 0, NULL));
  show("unaligned", remap(p + 1, 4096, 8192, 0, NULL));
  show("fixed without MAYMOVE", remap(p, 4096, 4096, 2, p + 4096));
  show("fixed over itself", remap(p, 8192, 8192, 3, p + 4096));
  return 0;
}
