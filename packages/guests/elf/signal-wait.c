/* sigsuspend, sigtimedwait, and pause: waiting for signals without races. */
#include "guest.h"

static volatile int calls, from_value;
static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)context;
  calls++;
  from_value = info->si_value.sival_int;
}
/* Again and again, until it is killed: a single one might come before the parent waits. */
static long repeatedly(int signal) {
  long parent = getpid(), pid = must(fork());
  if (pid != 0) return pid;
  for (;;) sleep_ms(5), sys(kill, parent, signal);
}
static long later(int signal) {
  long parent = getpid(), pid = must(fork());
  if (pid != 0) return pid;
  sleep_ms(15);
  sys(kill, parent, signal);
  quit(0);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  unsigned long empty = 0, old;
  must(on_signal(SIGUSR1, handler, SA_RESTART));
  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR1), NULL));
  must(sys(kill, getpid(), SIGUSR1));
  say("blocked %d\n", calls);
  show("sigsuspend with one pending", sys(rt_sigsuspend, &empty, 8));
  say("calls %d\n", calls);
  must(signal_mask(SIG_BLOCK, 0, &old));
  say("mask restored %d\n", old == SIGNAL_BIT(SIGUSR1));
  long pid = later(SIGUSR1);
  show("sigsuspend", sys(rt_sigsuspend, &empty, 8));
  say("calls %d\n", calls);
  show_wait("child", pid);

  unsigned long set = SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGUSR2) | SIGNAL_BIT(SIGCHLD);
  must(signal_mask(SIG_BLOCK, set, NULL));
  struct timespec ms = {0, 10000000}, zero = {0, 0};
  siginfo_t info;
  sys(rt_sigtimedwait, &set, &info, &zero, 8); /* the SIGCHLD of that child is not pending: it was ignored */
  show("sigtimedwait: nothing", sys(rt_sigtimedwait, &set, &info, &zero, 8));
  show("sigtimedwait: timeout", sys(rt_sigtimedwait, &set, &info, &ms, 8));
  must(sys(kill, getpid(), SIGUSR2));
  show("sigtimedwait: pending", sys(rt_sigtimedwait, &set, &info, &zero, 8));
  say("signo %d code %d\n", info.si_signo, info.si_code);
  pid = later(SIGUSR1);
  unsigned long only = SIGNAL_BIT(SIGUSR1);
  show("sigtimedwait: waits", sys(rt_sigtimedwait, &only, &info, NULL, 8));
  say("from the child %d\n", info.si_pid == pid);
  show_wait("child", pid);
  must(signal_mask(SIG_UNBLOCK, SIGNAL_BIT(SIGUSR2), NULL));
  must(on_signal(SIGUSR2, handler, SA_RESTART));
  pid = repeatedly(SIGUSR2);
  show("sigtimedwait: another signal", sys(rt_sigtimedwait, &only, &info, NULL, 8));
  must(sys(kill, pid, SIGKILL));
  show_wait("child", pid);
  say("its handler ran %d\n", calls > 2);

  siginfo_t queued;
  memset(&queued, 0, sizeof queued);
  queued.si_signo = SIGUSR2, queued.si_code = SI_QUEUE, queued.si_pid = (int)getpid(), queued.si_value.sival_int = 4711;
  show("sigqueue", sys(rt_sigqueueinfo, getpid(), SIGUSR2, &queued));
  say("value %d\n", from_value);
  struct timespec bad = {0, 1000000000};
  show("bad timeout", sys(rt_sigtimedwait, &only, &info, &bad, 8));
  return 0;
}
