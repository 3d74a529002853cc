/* sigaltstack: handlers on a stack of their own, also when the normal one has overflowed. */
#include "guest.h"

static char stack[16384] __attribute__((aligned(16)));
static volatile int on_it, status_inside;
static volatile long recursions;

static int inside(void *p) { return (char *)p >= stack && (char *)p < stack + sizeof stack; }

static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info, (void)context;
  char here;
  on_it = inside(&here);
  stack_t now;
  must(sys(sigaltstack, NULL, &now));
  status_inside = now.ss_flags;
}
static void try_change(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info, (void)context;
  stack_t none = {NULL, 2, 0};
  show("changing it while on it", sys(sigaltstack, &none, NULL));
}
static void overflow(int signal, siginfo_t *info, struct ucontext *context) {
  (void)info, (void)context;
  char here;
  say("overflow: signal %d, on the other stack %d, went deep %d\n", signal, inside(&here), recursions > 50);
  quit(13);
}
__attribute__((noinline)) static int recurse(int n) {
  volatile char frame[65536];
  frame[0] = (char)n;
  if (++recursions < 0) return 0;
  return recurse(n + 1) + frame[0];
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  stack_t old, set = {stack, 0, sizeof stack};
  show("none at first", sys(sigaltstack, NULL, &old));
  say("flags %d\n", old.ss_flags);
  show("set", sys(sigaltstack, &set, &old));
  must(on_signal(SIGUSR1, handler, SA_ONSTACK));
  must(on_signal(SIGUSR2, handler, 0));
  must(sys(kill, getpid(), SIGUSR1));
  say("SA_ONSTACK: on it %d, flags inside %d\n", on_it, status_inside);
  must(sys(kill, getpid(), SIGUSR2));
  say("without: on it %d, flags inside %d\n", on_it, status_inside);
  must(sys(sigaltstack, NULL, &old));
  say("flags outside %d, as set %d\n", old.ss_flags, old.ss_sp == stack && old.ss_size == sizeof stack);
  must(on_signal(SIGUSR1, try_change, SA_ONSTACK));
  must(sys(kill, getpid(), SIGUSR1));
  set.ss_size = 100;
  show("too small", sys(sigaltstack, &set, NULL));
  set.ss_flags = 77;
  show("bad flags", sys(sigaltstack, &set, NULL));
  set = (stack_t){stack, 0, sizeof stack};
  long pid = must(fork());
  if (pid == 0) {
    must(sys(sigaltstack, NULL, &old));
    must(on_signal(SIGSEGV, overflow, SA_ONSTACK));
    quit(recurse(old.ss_sp == stack ? 1 : 0));
  }
  show_wait("stack overflow", pid);
  pid = must(fork());
  if (pid == 0) {
    must(on_signal(SIGSEGV, overflow, 0)); /* no stack left to run it on */
    quit(recurse(1));
  }
  show_wait("stack overflow without one", pid);
  set.ss_flags = 2;
  show("disable", sys(sigaltstack, &set, NULL));
  must(on_signal(SIGUSR1, handler, SA_ONSTACK));
  must(sys(kill, getpid(), SIGUSR1));
  say("disabled: on it %d\n", on_it);
  return 0;
}
