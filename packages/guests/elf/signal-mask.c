/* Blocking, pending, sa_mask, SA_NODEFER, and the order of delivery. */
#include "guest.h"

static volatile int order[16], count, depth, deepest;

static void note(int signal, siginfo_t *info, struct ucontext *context) {
  (void)info, (void)context;
  order[count++ & 15] = signal;
}
static void resend(int signal, siginfo_t *info, struct ucontext *context) {
  (void)info, (void)context;
  if (++depth > deepest) deepest = depth;
  if (++count < 4) sys(kill, getpid(), signal);
  depth--;
}
static void mask_inside(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info, (void)context;
  unsigned long mask;
  must(signal_mask(SIG_BLOCK, 0, &mask));
  say("inside the handler: USR1 %d USR2 %d TERM %d\n", (mask & SIGNAL_BIT(SIGUSR1)) != 0, (mask & SIGNAL_BIT(SIGUSR2)) != 0, (mask & SIGNAL_BIT(SIGTERM)) != 0);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  unsigned long old, pending;
  must(on_signal(SIGUSR1, note, 0));
  must(on_signal(SIGUSR2, note, 0));
  must(on_signal(SIGTERM, note, 0));
  show("block", signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGTERM), &old));
  say("before %lx\n", old);
  for (int i = 0; i < 3; i++) must(sys(kill, getpid(), SIGUSR1));
  must(sys(kill, getpid(), SIGTERM));
  must(sys(kill, getpid(), SIGUSR2));
  say("only the one not blocked: count %d, is USR2 %d\n", count, order[0] == SIGUSR2);
  show("sigpending", sys(rt_sigpending, &pending, 8));
  say("pending %lx\n", pending);
  count = 0;
  show("unblock", signal_mask(SIG_UNBLOCK, SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGTERM), &old));
  say("each once: %d\n", count);
  must(sys(rt_sigpending, &pending, 8));
  say("pending %lx, mask was %lx\n", pending, old);
  show("SIG_SETMASK of all", signal_mask(SIG_SETMASK, -1UL, NULL));
  must(signal_mask(SIG_SETMASK, 0, &old));
  say("KILL and STOP cannot be blocked: %lx\n", old);
  show("bad how", signal_mask(7, 0, NULL));
  show("bad size", sys(rt_sigprocmask, SIG_BLOCK, &old, NULL, 16));

  count = depth = deepest = 0;
  must(on_signal(SIGUSR1, resend, 0));
  must(sys(kill, getpid(), SIGUSR1));
  say("deferred: calls %d, depth %d\n", count, deepest);
  count = depth = deepest = 0;
  must(on_signal(SIGUSR1, resend, SA_NODEFER));
  must(sys(kill, getpid(), SIGUSR1));
  say("SA_NODEFER: calls %d, depth %d\n", count, deepest);
  must(on_signal_masked(SIGUSR1, mask_inside, SA_SIGINFO, SIGNAL_BIT(SIGTERM)));
  must(sys(kill, getpid(), SIGUSR1));
  must(signal_mask(SIG_BLOCK, 0, &old));
  say("after it %lx\n", old);

  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR2), NULL));
  must(sys(kill, getpid(), SIGUSR2));
  must(on_signal(SIGUSR2, (signal_action)SIG_IGN, 0));
  must(sys(rt_sigpending, &pending, 8));
  say("ignoring discards what is pending: %lx\n", pending);
  long pid = must(fork());
  if (pid == 0) {
    must(sys(rt_sigpending, &pending, 8));
    must(signal_mask(SIG_BLOCK, 0, &old));
    quit(pending == 0 && old == SIGNAL_BIT(SIGUSR2) ? 0 : 1);
  }
  show_wait("a child inherits the mask and nothing pending", pid);
  return 0;
}
