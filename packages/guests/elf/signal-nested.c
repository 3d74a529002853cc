/* Handlers interrupted by other signals, and handlers that leave by changing their context. */
#include "guest.h"

static volatile int trace[64], at;
static volatile long rounds;

static void inner(int signal, siginfo_t *info, struct ucontext *context) {
  (void)info, (void)context;
  trace[at++] = signal;
}
static void outer(int signal, siginfo_t *info, struct ucontext *context) {
  (void)info, (void)context;
  trace[at++] = signal;
  sys(kill, getpid(), signal + 2); /* SIGUSR1 10 → SIGUSR2 12 → SIGALRM 14 */
  trace[at++] = -signal;
}
static void many(int signal, siginfo_t *info, struct ucontext *context) {
  (void)info, (void)context;
  if (++rounds < 100) sys(kill, getpid(), signal == SIGUSR1 ? SIGUSR2 : SIGUSR1);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  must(on_signal(SIGUSR1, outer, 0));
  must(on_signal(SIGUSR2, outer, 0));
  must(on_signal(SIGALRM, inner, 0));
  must(sys(kill, getpid(), SIGUSR1));
  for (int i = 0; i < at; i++) say("%d ", trace[i]);
  say("\n");
  must(on_signal(SIGUSR1, many, SA_NODEFER));
  must(on_signal(SIGUSR2, many, SA_NODEFER));
  must(sys(kill, getpid(), SIGUSR1));
  say("a hundred deep: %ld\n", rounds);

  /* Two pending signals: both handlers run before the program goes on; the lower number is entered first. */
  at = 0;
  must(on_signal(SIGUSR1, inner, 0));
  must(on_signal(SIGUSR2, inner, 0));
  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGUSR2), NULL));
  must(sys(kill, getpid(), SIGUSR2));
  must(sys(kill, getpid(), SIGUSR1));
  must(signal_mask(SIG_UNBLOCK, SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGUSR2), NULL));
  say("both: %d, then %d first\n", at, trace[0]);
  return 0;
}
