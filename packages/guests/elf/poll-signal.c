/* ppoll and pselect6 with a signal mask: the mask holds exactly while they wait. */
#include "guest.h"

static volatile int calls;
static void handler(int signal, siginfo_t *info, struct ucontext *context) { (void)signal, (void)info, (void)context, calls++; }

struct entry { int fd; short events, revents; };

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  must(sys(pipe2, p, 0));
  must(on_signal(SIGUSR1, handler, SA_RESTART));
  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR1), NULL));
  struct entry entry = {p[0], POLLIN, 0};
  unsigned long empty = 0, mask;
  struct timespec zero = {0, 0}, long_time = {100, 0};
  must(sys(kill, getpid(), SIGUSR1));
  show("ppoll without a mask", sys(ppoll, &entry, 1, &zero, NULL, 0));
  say("calls %d\n", calls);
  show("ppoll with an empty mask", sys(ppoll, &entry, 1, &long_time, &empty, 8));
  must(signal_mask(SIG_BLOCK, 0, &mask));
  say("calls %d, mask back %d\n", calls, mask == SIGNAL_BIT(SIGUSR1));
  must(sys(kill, getpid(), SIGUSR1));
  must(sys(write, p[1], "x", 1));
  show("ready and a signal", sys(ppoll, &entry, 1, &long_time, &empty, 8));
  say("calls %d\n", calls);

  unsigned long set[16] = {0}, write_set[16] = {0};
  struct { const void *mask; size_t size; } argument = {&empty, 8};
  set[0] = 1UL << p[0], write_set[0] = 1UL << p[1];
  show("pselect6", sys(pselect6, 10, set, write_set, NULL, &zero, NULL));
  say("readable %d writable %d\n", set[0] == 1UL << p[0], write_set[0] == 1UL << p[1]);
  char c;
  must(sys(read, p[0], &c, 1));
  show("pselect6, nothing to read", sys(pselect6, 10, set, NULL, NULL, &zero, NULL));
  say("set is empty %d\n", set[0] == 0);
  signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR1), NULL);
  sys(kill, getpid(), SIGUSR1);
  calls = 0;
  set[0] = 1UL << p[0];
  show("pselect6 with a mask", sys(pselect6, 10, set, NULL, NULL, &long_time, &argument));
  say("calls %d\n", calls);
  set[0] = 1UL << 50;
  show("pselect6 of a closed descriptor", sys(pselect6, 60, set, NULL, NULL, &zero, NULL));
  show("pselect6 of a negative number", sys(pselect6, -1, NULL, NULL, NULL, &zero, NULL));
  struct timespec ms = {0, 10000000};
  int64_t start = now_ns(CLOCK_MONOTONIC);
  show("pselect6 as a sleep", sys(pselect6, 0, NULL, NULL, NULL, &ms, NULL));
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) - start >= 10000000);
  return 0;
}
