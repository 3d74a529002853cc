/* Real-time signals queue, in order, with their values; standard ones do not. */
#include "guest.h"

static volatile int values[32], signals[32], count;
static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)context;
  values[count & 31] = info->si_value.sival_int, signals[count & 31] = signal, count++;
}
static void queue(int signal, int value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_code = SI_QUEUE, info.si_pid = (int)getpid(), info.si_value.sival_int = value;
  must(sys(rt_sigqueueinfo, getpid(), signal, &info));
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  unsigned long all = SIGNAL_BIT(34) | SIGNAL_BIT(36) | SIGNAL_BIT(SIGUSR1);
  /* Each handler blocks all of them, so they come one after the other. */
  must(on_signal_masked(34, handler, SA_SIGINFO, all));
  must(on_signal_masked(36, handler, SA_SIGINFO, all));
  must(on_signal_masked(SIGUSR1, handler, SA_SIGINFO, all));
  must(signal_mask(SIG_BLOCK, all, NULL));
  queue(36, 1), queue(34, 2), queue(36, 3), queue(34, 4), queue(SIGUSR1, 5), queue(SIGUSR1, 6), queue(34, 7);
  must(signal_mask(SIG_UNBLOCK, all, NULL));
  for (int i = 0; i < count; i++) say("%d:%d ", signals[i], values[i]);
  say("\n");
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_code = SI_USER;
  show("pretending to be kill, to another", sys(rt_sigqueueinfo, 1, 34, &info) < 0);
  return 0;
}
