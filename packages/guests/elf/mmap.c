/* Anonymous mappings: zero, separate, replaceable with MAP_FIXED, gone after munmap. */
#include "guest.h"

static long map(void *at, size_t size, int protection, int flags) {
  return sys(mmap, at, size, protection, flags | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  char *p = (char *)must(map(NULL, 5 * 4096, PROT_READ | PROT_WRITE, 0));
  int zero = 1;
  for (int i = 0; i < 5 * 4096; i++) zero &= p[i] == 0;
  say("zero %d, page-aligned %d\n", zero, ((uintptr_t)p & 4095) == 0);
  memset(p, 'x', 5 * 4096);
  show("munmap the middle page", sys(munmap, p + 2 * 4096, 4096));
  PROBE("lb t2, 0(t1)", p + 2 * 4096 - 1, 0), show_probe("before the hole", (uintptr_t)p);
  PROBE("lb t2, 0(t1)", p + 2 * 4096, 0), show_probe("in the hole", (uintptr_t)p);
  PROBE("sb t2, 0(t1)", p + 3 * 4096 - 1, 1), show_probe("store in the hole", (uintptr_t)p);
  PROBE("lb t2, 0(t1)", p + 3 * 4096, 0), show_probe("behind the hole", (uintptr_t)p);
  PROBE("ld t2, 0(t1)", p + 2 * 4096 - 4, 0), show_probe("a load that reaches into the hole", (uintptr_t)p);
  show("munmap it again", sys(munmap, p + 2 * 4096, 4096));
  say("MAP_FIXED into the hole %d\n", map(p + 2 * 4096, 4096, PROT_READ | PROT_WRITE, MAP_FIXED) == (long)p + 2 * 4096);
  say("zero again %d, neighbours kept %d\n", p[2 * 4096] == 0, p[2 * 4096 - 1] == 'x' && p[3 * 4096] == 'x');
  say("MAP_FIXED over pages %d\n", map(p, 2 * 4096, PROT_READ, MAP_FIXED) == (long)p);
  say("replaced with zeros %d\n", p[0] == 0 && p[4096] == 0);
  PROBE("sb t2, 0(t1)", p, 1), show_probe("store to a read-only page", (uintptr_t)p);
  show("MAP_FIXED_NOREPLACE over pages", map(p, 4096, PROT_READ, MAP_FIXED_NOREPLACE));
  show("munmap all", sys(munmap, p, 5 * 4096));
  say("MAP_FIXED_NOREPLACE on free pages %d\n", map(p, 4096, PROT_READ, MAP_FIXED_NOREPLACE) == (long)p);
  say("a hint on free pages is taken %d\n", map(p + 4096, 4096, PROT_READ, 0) == (long)p + 4096);

  show("length zero", map(NULL, 0, PROT_READ, 0));
  show("fixed and unaligned", map(p + 1, 4096, PROT_READ, MAP_FIXED));
  show("neither shared nor private", sys(mmap, NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
  show("a bad descriptor", sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, 77, 0));
  show("an unaligned offset", sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 100));
  show("more than the address space", map(NULL, 1UL << 62, PROT_READ, 0));
  show("munmap unaligned", sys(munmap, p + 1, 4096));
  show("munmap length zero", sys(munmap, p, 0));

  /* Many separate mappings, each with its own content. */
  static char *pages[200];
  for (int i = 0; i < 200; i++) {
    pages[i] = (char *)must(map(NULL, 4096 * (1 + (size_t)i % 3), PROT_READ | PROT_WRITE, 0));
    pages[i][100] = (char)i;
  }
  int good = 0;
  for (int i = 0; i < 200; i += 2) must(sys(munmap, pages[i], 4096 * (1 + (size_t)i % 3)));
  for (int i = 1; i < 200; i += 2) good += pages[i][100] == (char)i;
  say("content kept %d\n", good);
  return 0;
}
