/* A handler runs, is told who sent the signal, and the program goes on where it was. */
#include "guest.h"

static volatile int count, last_code, from_self, one_shot;

static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)context;
  count++;
  last_code = info->si_code;
  from_self = info->si_pid == getpid() && info->si_signo == signal && info->si_uid == 0;
}
static void plain(int signal) { one_shot += signal; }

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  show("install", on_signal(SIGUSR1, handler, 0));
  show("kill", sys(kill, getpid(), SIGUSR1));
  say("count %d code %d self %d\n", count, last_code, from_self);
  show("tgkill", sys(tgkill, getpid(), sys(gettid), SIGUSR1));
  say("count %d code %d self %d\n", count, last_code, from_self);
  show("tkill", sys(tkill, sys(gettid), SIGUSR1));
  say("count %d code %d\n", count, last_code);
  for (int i = 0; i < 1000; i++) sys(kill, getpid(), SIGUSR1);
  say("count %d\n", count);

  struct sigaction a;
  must(on_signal_masked(SIGUSR2, (signal_action)plain, SA_RESETHAND, 0));
  must(sys(kill, getpid(), SIGUSR2));
  must(sys(rt_sigaction, SIGUSR2, NULL, &a, sizeof(sigset_t)));
  say("one shot %d, then default %d\n", one_shot, a.sa_handler == SIG_DFL);
  must(on_signal(SIGUSR2, (signal_action)SIG_IGN, 0));
  show("an ignored signal", sys(kill, getpid(), SIGUSR2));
  must(sys(rt_sigaction, SIGUSR1, NULL, &a, sizeof(sigset_t)));
  say("what was installed: handler %d flags %lx\n", a.sa_handler == (__sighandler_t)handler, a.sa_flags);

  show("handler for SIGKILL", on_signal(SIGKILL, handler, 0));
  show("handler for SIGSTOP", on_signal(SIGSTOP, handler, 0));
  show("signal 0", sys(rt_sigaction, 0, NULL, &a, sizeof(sigset_t)));
  show("signal 65", sys(rt_sigaction, 65, NULL, &a, sizeof(sigset_t)));
  show("wrong set size", sys(rt_sigaction, SIGUSR1, NULL, &a, 4));
  show("kill with signal 0", sys(kill, getpid(), 0));
  show("kill with a bad signal", sys(kill, getpid(), 65));
  show("kill of no process", sys(kill, 0x3fffffff, SIGUSR1));
  show("tgkill with a bad pid", sys(tgkill, -1, 1, SIGUSR1));
  return 0;
}
