/* Protections and the faults they give: signal, code and address. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  char *p = (char *)must(sys(mmap, NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  p[0] = 'a', p[4096] = 'b', p[8192] = 'c';
  show("read-only", sys(mprotect, p + 4096, 4096, PROT_READ));
  PROBE("lb t2, 0(t1)", p + 4096, 0), show_probe("load", (uintptr_t)p);
  PROBE("sb t2, 0(t1)", p + 4096, 0), show_probe("store", (uintptr_t)p);
  PROBE("sd t2, 0(t1)", p + 4096 - 4, 0), show_probe("a store that reaches into it", (uintptr_t)p);
  PROBE("sd t2, 0(t1)", p + 8192 - 4, 0), show_probe("a store that begins in it", (uintptr_t)p);
  PROBE("amoadd.w t2, t2, (t1)", p + 4096, 1), show_probe("atomic", (uintptr_t)p);
  PROBE("lr.w t2, (t1)", p + 4096, 1), show_probe("load-reserved", (uintptr_t)p);
  say("content %c\n", p[4096]);
  show("none", sys(mprotect, p + 4096, 4096, PROT_NONE));
  PROBE("lb t2, 0(t1)", p + 4100, 0), show_probe("load", (uintptr_t)p);
  PROBE("fld ft0, 0(t1)", p + 4104, 0), show_probe("floating-point load", (uintptr_t)p);
  show("all again", sys(mprotect, p, 4 * 4096, PROT_READ | PROT_WRITE));
  say("content %c%c%c\n", p[0], p[4096], p[8192]);
  PROBE("jalr t0, t1", p, 0), show_probe("jump to data", (uintptr_t)p);
  PROBE("sb t2, 0(t1)", main, 0), show_probe("store to the program", (uintptr_t)main);
  PROBE("lb t2, 0(t1)", 0, 0), show_probe("address 0", 0);
  PROBE("lb t2, 16(t1)", 0, 0), show_probe("address 16", 0);
  PROBE("sb t2, 0(t1)", 4096, 0), show_probe("store to 4096", 0);
  PROBE("lb t2, 0(t1)", -8L, 0), show_probe("the top of the address space", 0);
  PROBE("lb t2, 0(t1)", 1L << 62, 0), show_probe("a non-canonical address", 1UL << 62);
  show("unaligned", sys(mprotect, p + 1, 4096, PROT_READ));
  show("length zero", sys(mprotect, p, 0, PROT_READ));
  must(sys(munmap, p + 8192, 4096));
  show("across a hole", sys(mprotect, p, 4 * 4096, PROT_READ));
  PROBE("sb t2, 0(t1)", p, 0), show_probe("before the hole it took effect", (uintptr_t)p);
  PROBE("sb t2, 0(t1)", p + 3 * 4096, 0), show_probe("behind it not", (uintptr_t)p);
  show("bad bits", sys(mprotect, p, 4096, 0x40000));
  return 0;
}
