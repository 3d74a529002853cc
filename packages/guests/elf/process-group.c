/* Signals to process groups, waiting for groups. */
#include "guest.h"

static volatile int got;
static void count(int signal, siginfo_t *info, struct ucontext *context) { (void)signal, (void)info, (void)context, got++; }

static long member(long group, int *ready) {
  long pid = must(fork());
  if (pid == 0) {
    must(sys(setpgid, 0, group));
    must(sys(write, ready[1], "x", 1));
    for (;;) sleep_ms(1000);
  }
  sys(setpgid, pid, group);
  char c;
  must(sys(read, ready[0], &c, 1));
  return pid;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int ready[2];
  must(sys(pipe2, ready, 0));
  long leader = member(0, ready);
  long second = member(leader, ready);
  long other = member(0, ready);
  say("groups %d %d %d\n", sys(getpgid, leader) == leader, sys(getpgid, second) == leader, sys(getpgid, other) == other);
  show("kill the group", sys(kill, -leader, SIGTERM));
  int status, known = 0;
  for (int i = 0; i < 2; i++) {
    long pid = must(sys(wait4, -leader, &status, 0, NULL));
    known += pid == leader || pid == second;
    show_status("member", status);
  }
  say("members %d\n", known);
  show("no member left", sys(wait4, -leader, &status, WNOHANG, NULL));
  show("kill an empty group", sys(kill, -leader, 0));
  show("the other lives", sys(wait4, other, &status, WNOHANG, NULL));
  must(sys(kill, other, SIGKILL));
  show_wait("the other", other);

  must(sys(setpgid, 0, 0));
  must(on_signal(SIGUSR1, count, 0));
  long child = must(fork());
  if (child == 0) {
    must(sys(write, ready[1], "x", 1));
    while (!got) sleep_ms(1000);
    quit(11);
  }
  char c;
  must(sys(read, ready[0], &c, 1));
  show("kill one's own group", sys(kill, 0, SIGUSR1));
  say("own handler ran %d\n", got);
  show_wait("child's too", child);
  return 0;
}
