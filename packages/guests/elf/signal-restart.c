/* Which blocked calls a handler interrupts, with SA_RESTART and without. */
#include "guest.h"

/* In memory shared with the child, which signals until it sees that the handler has run. */
static volatile struct { int calls, stop; } *shared;
static void handler(int signal, siginfo_t *info, struct ucontext *context) { (void)signal, (void)info, (void)context, shared->calls++; }

/* A child that signals its parent `times` times, each when the one before was handled; then it writes into the pipe. */
static long nag(int *pipe, int times) {
  long parent = getpid();
  shared->calls = shared->stop = 0;
  long pid = must(fork());
  if (pid != 0) return pid;
  for (int i = 0; i < times; i++) {
    sleep_ms(10);
    sys(kill, parent, SIGUSR1);
    while (shared->calls == i) sleep_ms(1);
  }
  sleep_ms(10);
  if (pipe) must(sys(write, pipe[1], "x", 1));
  quit(0);
}
/* A child that signals until its parent has got out of the call that is to be interrupted: one signal might come too early. */
static long nag_until_stopped(int *pipe) {
  long parent = getpid();
  shared->calls = shared->stop = 0;
  long pid = must(fork());
  if (pid != 0) return pid;
  while (!shared->stop) sleep_ms(10), sys(kill, parent, SIGUSR1);
  if (pipe) must(sys(write, pipe[1], "x", 1));
  quit(0);
}
static void show_interrupted(const char *what, long result) {
  shared->stop = 1;
  show(what, result);
  say("handler ran %d\n", shared->calls > 0);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2], status;
  char c;
  long n;
  shared = (void *)must(sys(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  must(sys(pipe2, p, 0));
  must(on_signal(SIGUSR1, handler, 0));
  long pid = nag_until_stopped(p);
  show_interrupted("read without SA_RESTART", sys(read, p[0], &c, 1));
  while ((n = sys(read, p[0], &c, 1)) == -EINTR) {}
  show("again", n);
  show_wait("child", pid);

  must(on_signal(SIGUSR1, handler, SA_RESTART));
  pid = nag(p, 3);
  show("read with SA_RESTART", sys(read, p[0], &c, 1));
  say("handler ran %d\n", shared->calls);
  show_wait("child", pid);
  pid = nag(NULL, 2);
  show("wait4 with SA_RESTART", sys(wait4, pid, &status, 0, NULL) == pid);
  say("handler ran %d\n", shared->calls);
  struct timespec long_time = {30, 0}, left = {0, 0};
  pid = nag_until_stopped(NULL);
  show_interrupted("nanosleep with SA_RESTART", sys(nanosleep, &long_time, &left));
  say("remaining is less %d\n", left.tv_sec < 30);
  show_wait("child", pid);
  pid = nag_until_stopped(NULL);
  struct { int fd; short events, revents; } entry = {p[0], POLLIN, 0};
  show_interrupted("ppoll with SA_RESTART", sys(ppoll, &entry, 1, NULL, NULL, 0));
  show_wait("child", pid);

  /* Ignored signals interrupt nothing. */
  must(on_signal(SIGUSR1, (signal_action)SIG_IGN, 0));
  long parent = getpid();
  pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 3; i++) sleep_ms(5), sys(kill, parent, SIGUSR1);
    must(sys(write, p[1], "x", 1));
    quit(0);
  }
  show("read with the signal ignored", sys(read, p[0], &c, 1));
  show_wait("child", pid);

  /* A write that has already moved bytes reports those. */
  must(on_signal(SIGUSR1, handler, 0));
  static char big[200000];
  pid = nag_until_stopped(NULL);
  show_interrupted("write to a full pipe, interrupted", sys(write, p[1], big, sizeof big));
  show_wait("child", pid);
  return 0;
}
