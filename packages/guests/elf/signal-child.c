/* SIGCHLD: its siginfo, SA_NOCLDWAIT, SIG_IGN, SA_NOCLDSTOP. */
#include "guest.h"

static volatile int calls, code, status, pid_seen;
static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)context;
  calls++, code = info->si_code, status = info->si_status, pid_seen = info->si_pid;
}
static long child(int exit_status, int signal) {
  long pid = must(fork());
  if (pid != 0) return pid;
  if (signal) sys(kill, getpid(), signal);
  quit(exit_status);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int result;
  must(on_signal(SIGCHLD, handler, SA_RESTART));
  long pid = child(3, 0);
  must(sys(wait4, pid, &result, 0, NULL));
  say("exited: calls %d code %d status %d pid %d\n", calls, code, status, pid_seen == pid);
  pid = child(0, SIGTERM);
  must(sys(wait4, pid, &result, 0, NULL));
  say("killed: calls %d code %d status %d\n", calls, code, status);
  pid = child(0, SIGSTOP);
  must(sys(wait4, pid, &result, WUNTRACED, NULL));
  say("stopped: calls %d code %d status %d\n", calls, code, status);
  must(on_signal(SIGCHLD, handler, SA_RESTART | SA_NOCLDSTOP));
  must(sys(kill, pid, SIGCONT));
  must(sys(wait4, pid, &result, 0, NULL));
  say("SA_NOCLDSTOP: calls %d code %d\n", calls, code);

  must(on_signal(SIGCHLD, (signal_action)SIG_IGN, 0));
  pid = child(4, 0);
  show("SIG_IGN leaves nothing to wait for", sys(wait4, pid, &result, 0, NULL));
  calls = 0;
  must(on_signal(SIGCHLD, handler, SA_NOCLDWAIT | SA_RESTART));
  pid = child(4, 0);
  show("SA_NOCLDWAIT neither", sys(wait4, pid, &result, 0, NULL));
  say("but it tells: %d\n", calls);
  must(on_signal(SIGCHLD, (signal_action)SIG_DFL, 0));
  pid = child(4, 0);
  show_wait("SIG_DFL", pid);
  return 0;
}
