/* end exit N | return | unreachable | memory | divide | stack | call: each way in which a program ends. */
#include "guest.h"

static char *argv[16], bytes[1024];

__attribute__((noinline)) static int recurse(int n) {
  volatile char frame[64];
  frame[0] = (char)n;
  return n < 0 ? 0 : recurse(n + 1) + frame[0];
}

void _start(void) {
  must(args_get(argv, bytes));
  say("before\n");
  if (same(argv[1], "exit")) proc_exit((int)number(argv[2]));
  if (same(argv[1], "unreachable")) __builtin_trap();
  if (same(argv[1], "memory")) *(volatile int *)0x7ffffff0 = 1;
  if (same(argv[1], "divide")) {
    volatile int zero = 0;
    say("%d\n", 1 / zero);
  }
  if (same(argv[1], "stack")) say("%d\n", recurse(1));
  if (same(argv[1], "call")) {
    void (*volatile nothing)(void) = 0;
    nothing();
  }
  if (!same(argv[1], "return")) say("still here\n");
}
