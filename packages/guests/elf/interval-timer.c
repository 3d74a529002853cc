/* setitimer: single and repeated alarms, reading and cancelling. */
#include "guest.h"

static volatile int alarms;
static void handler(int signal, siginfo_t *info, struct ucontext *context) { (void)signal, (void)info, (void)context, alarms++; }

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct itimerval set = {{0, 0}, {0, 20000}}, now;
  must(on_signal(SIGALRM, handler, 0));
  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGALRM), NULL));
  int64_t start = now_ns(CLOCK_MONOTONIC);
  unsigned long empty = 0;
  show("setitimer", sys(setitimer, 0, &set, NULL));
  struct timespec t;
  show("wait until it rings", sys(rt_sigsuspend, &empty, 8));
  must(signal_mask(SIG_UNBLOCK, SIGNAL_BIT(SIGALRM), NULL));
  say("alarms %d, not early %d\n", alarms, now_ns(CLOCK_MONOTONIC) - start >= 20000000);
  show("getitimer", sys(getitimer, 0, &now));
  say("disarmed %ld %ld\n", now.it_value.tv_sec, now.it_value.tv_usec);

  alarms = 0;
  set = (struct itimerval){{0, 5000}, {0, 5000}};
  must(sys(setitimer, 0, &set, NULL));
  while (alarms < 4) {
    t = (struct timespec){100, 0};
    sys(nanosleep, &t, NULL);
  }
  say("repeats\n");
  set = (struct itimerval){{0, 0}, {0, 0}};
  show("cancel", sys(setitimer, 0, &set, &now));
  say("the old interval %ld\n", now.it_interval.tv_usec);
  set = (struct itimerval){{0, 0}, {50, 0}};
  must(sys(setitimer, 0, &set, NULL));
  must(sys(setitimer, 0, &set, &now));
  say("remaining is plausible %d\n", now.it_value.tv_sec >= 48 && now.it_value.tv_sec <= 50);
  long pid = must(fork());
  if (pid == 0) {
    must(sys(getitimer, 0, &now));
    quit(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0 ? 0 : 1);
  }
  show_wait("a child has none", pid);
  set = (struct itimerval){{0, 0}, {0, 1000000}};
  show("bad microseconds", sys(setitimer, 0, &set, NULL));
  show("bad timer", sys(setitimer, 9, &set, NULL));

  /* A program that never calls the kernel is interrupted too. */
  alarms = 0;
  set = (struct itimerval){{0, 0}, {0, 10000}};
  must(sys(setitimer, 0, &set, NULL));
  while (alarms == 0) {}
  say("interrupted while spinning\n");
  must(on_signal(SIGALRM, (signal_action)SIG_DFL, 0));
  set = (struct itimerval){{0, 0}, {0, 10000}};
  must(sys(setitimer, 0, &set, NULL));
  for (;;) sleep_ms(1000);
}
