/* nanosleep and clock_nanosleep: relative, absolute, interrupted, errors. */
#include "guest.h"

static void handler(int signal, siginfo_t *info, struct ucontext *context) { (void)signal, (void)info, (void)context; }

/* Signals its parent again and again, until it is killed: a single one might come before the parent sleeps. */
static long nag(void) {
  long parent = getpid(), pid = must(fork());
  if (pid != 0) return pid;
  for (;;) sleep_ms(10), sys(kill, parent, SIGUSR1);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct timespec t = {0, 20000000}, left = {7, 7};
  int64_t start = now_ns(CLOCK_MONOTONIC);
  show("nanosleep", sys(nanosleep, &t, &left));
  say("long enough %d, remaining untouched %d\n", now_ns(CLOCK_MONOTONIC) - start >= 20000000, left.tv_sec == 7);
  t = (struct timespec){0, 0};
  show("of zero", sys(nanosleep, &t, NULL));
  t = (struct timespec){0, 1000000000};
  show("bad nanoseconds", sys(nanosleep, &t, NULL));
  t = (struct timespec){-1, 0};
  show("negative", sys(nanosleep, &t, NULL));
  int64_t until = now_ns(CLOCK_MONOTONIC) + 20000000;
  t = (struct timespec){until / 1000000000, until % 1000000000};
  show("absolute", sys(clock_nanosleep, CLOCK_MONOTONIC, 1, &t, NULL));
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) >= until);
  show("absolute, in the past", sys(clock_nanosleep, CLOCK_MONOTONIC, 1, &t, NULL));
  until = now_ns(CLOCK_REALTIME) + 20000000;
  t = (struct timespec){until / 1000000000, until % 1000000000};
  show("absolute, wall clock", sys(clock_nanosleep, CLOCK_REALTIME, 1, &t, NULL));
  say("not early %d\n", now_ns(CLOCK_REALTIME) >= until);
  show("no such clock", sys(clock_nanosleep, 99, 0, &t, NULL));

  must(on_signal(SIGUSR1, handler, SA_RESTART));
  long pid = nag();
  t = (struct timespec){100, 0};
  show("interrupted", sys(nanosleep, &t, &left));
  say("remaining is plausible %d\n", left.tv_sec >= 90 && left.tv_sec < 100);
  until = now_ns(CLOCK_MONOTONIC) + 100000000000;
  t = (struct timespec){until / 1000000000, until % 1000000000};
  left.tv_sec = 7;
  show("absolute, interrupted", sys(clock_nanosleep, CLOCK_MONOTONIC, 1, &t, &left));
  say("remaining untouched %d\n", left.tv_sec == 7);
  must(sys(kill, pid, SIGKILL));
  show_wait("child", pid);
  return 0;
}
