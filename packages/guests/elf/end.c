/* end exit N | signal N | segv | illegal | break | return N: each way in which a program ends. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)envp;
  if (argc < 2) return 98;
  long n = argc > 2 ? number(argv[2]) : 0;
  say("before\n");
  if (same(argv[1], "exit")) sys(exit, n);
  if (same(argv[1], "group")) sys(exit_group, n);
  if (same(argv[1], "signal")) sys(kill, getpid(), n);
  if (same(argv[1], "segv")) __asm__ volatile("sd zero, 8(zero)");
  if (same(argv[1], "illegal")) __asm__ volatile("unimp");
  if (same(argv[1], "break")) __asm__ volatile("ebreak");
  say("still here\n");
  return (int)n;
}
