/* The heap's end: grows, shrinks, is zero, and stays where it is when it cannot move. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  long start = sys(brk, 0);
  say("starts behind the program %d\n", start > (long)&probe);
  say("grow %d\n", sys(brk, start + 100000) == start + 100000);
  char *p = (char *)start;
  int zero = 1;
  for (int i = 0; i < 100000; i++) zero &= p[i] == 0;
  say("zero %d\n", zero);
  p[50000] = 'x', p[99999] = 'y';
  say("shrink %d\n", sys(brk, start + 60000) == start + 60000);
  say("kept %c\n", p[50000]);
  PROBE("lb t2, 0(t1)", ((start + 60000) | 4095) + 1, 0), say("behind the end: signal %d code %d\n", probe.signal, probe.code);
  say("grow again %d, zero again %d\n", sys(brk, start + 100000) == start + 100000, p[99999] == 0);
  say("below the start %d\n", sys(brk, start - 4096) == start + 100000);
  say("far too far %d\n", sys(brk, 1L << 61) == start + 100000);
  say("back to the start %d\n", sys(brk, start) == start);
  long pid = must(fork());
  if (pid == 0) quit(sys(brk, 0) == start && sys(brk, start + 4096) == start + 4096 ? 0 : 1);
  show_wait("a child has its own", pid);
  say("unchanged %d\n", sys(brk, 0) == start);
  return 0;
}
