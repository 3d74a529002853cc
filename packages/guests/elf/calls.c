/* Calls of each kind: recursion, a frame larger than an immediate, alloca, a callback, in two processes. Keeps its symbols, for profiles. */
#include "guest.h"

#define SEPARATE __attribute__((noinline, noclone))

SEPARATE static unsigned fibonacci(unsigned n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

SEPARATE static unsigned sum_leaf(const unsigned *from, unsigned n) {
  unsigned sum = 0;
  for (unsigned i = 0; i < n; i++) sum = sum * 3 + from[i];
  return sum;
}

SEPARATE static unsigned large_frame(unsigned seed) {
  unsigned all[3000];
  for (unsigned i = 0; i < 3000; i++) all[i] = i * seed;
  unsigned sum = 0;
  for (unsigned i = 0; i < 20; i++) sum += sum_leaf(all, 3000);
  return sum;
}

SEPARATE static unsigned dynamic_frame(unsigned n) {
  unsigned *all = __builtin_alloca(n * sizeof *all);
  for (unsigned i = 0; i < n; i++) all[i] = i;
  unsigned sum = 0;
  for (unsigned i = 0; i < 40; i++) sum += sum_leaf(all, n);
  return sum;
}

SEPARATE static unsigned callback(unsigned value) {
  for (unsigned i = 0; i < 2000; i++) value = value * 1664525 + 1013904223;
  return value;
}

SEPARATE static unsigned with_callback(unsigned (*each)(unsigned), unsigned n) {
  unsigned value = 1;
  for (unsigned i = 0; i < n; i++) value ^= each(value + i);
  return value;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  long pid = must(fork());
  if (pid == 0) {
    say("fibonacci %d\n", fibonacci(20));
    quit(0);
  }
  show_wait("child", pid);
  say("large frame %x\n", large_frame(7));
  say("dynamic frame %x\n", dynamic_frame(2000));
  say("callback %x\n", with_callback(callback, 100));
  return 0;
}
