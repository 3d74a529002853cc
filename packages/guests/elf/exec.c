/* execve: arguments, environment, descriptors, signals across it, and its errors. */
#include "guest.h"

static void ignored_handler(int signal, siginfo_t *info, struct ucontext *context) { (void)signal, (void)info, (void)context; }

static int second(int argc, char **argv, char **envp) {
  for (int i = 1; i < argc; i++) say("argv[%d] \"%s\"\n", i, argv[i]);
  for (int i = 0; envp[i]; i++) say("env \"%s\"\n", envp[i]);
  show("kept descriptor", sys(fcntl, 10, F_GETFD));
  show("close-on-exec descriptor", sys(fcntl, 11, F_GETFD));
  struct sigaction a;
  must(sys(rt_sigaction, SIGUSR1, NULL, &a, sizeof(sigset_t)));
  say("handled signal is default %d\n", a.sa_handler == SIG_DFL);
  must(sys(rt_sigaction, SIGUSR2, NULL, &a, sizeof(sigset_t)));
  say("ignored signal stays ignored %d\n", a.sa_handler == SIG_IGN);
  unsigned long mask;
  must(signal_mask(SIG_BLOCK, 0, &mask));
  say("mask kept %d\n", mask == SIGNAL_BIT(SIGTERM));
  return 6;
}

int main(int argc, char **argv, char **envp) {
  if (argc > 1) return second(argc, argv, envp);
  char *arguments[] = {argv[0], "one", "", "three words here", NULL};
  char *environment[] = {"A=1", "B=", NULL};
  show("missing", sys(execve, "missing", arguments, environment));
  must(sys(mkdirat, AT_FDCWD, "d", 0755));
  show("directory", sys(execve, "d", arguments, environment));
  put_file("data", "just some text\n");
  show("not executable", sys(execve, "data", arguments, environment));
  must(sys(fchmodat, AT_FDCWD, "data", 0755));
  show("unknown format", sys(execve, "data", arguments, environment));
  put_file("empty", "");
  must(sys(fchmodat, AT_FDCWD, "empty", 0755));
  show("empty file", sys(execve, "empty", arguments, environment));
  show("below a file", sys(execve, "data/x", arguments, environment));
  show("empty path", sys(execve, "", arguments, environment));

  long null = must(openat("/dev/null", O_RDONLY, 0));
  must(sys(dup3, null, 10, 0));
  must(sys(dup3, null, 11, O_CLOEXEC));
  must(on_signal(SIGUSR1, ignored_handler, 0));
  must(on_signal(SIGUSR2, (signal_action)SIG_IGN, 0));
  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGTERM), NULL));
  long pid = must(fork());
  if (pid == 0) {
    must(sys(execve, argv[0], arguments, environment));
  }
  show_wait("child", pid);
  show("parent still has it", sys(fcntl, 11, F_GETFD));
  return 0;
}
