/* fork, exit statuses, and what wait4 answers. */
#include "guest.h"

static long child_exits(int status) {
  long pid = must(fork());
  if (pid == 0) quit(status);
  return pid;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int status;
  show("wait without children", sys(wait4, -1, &status, 0, 0));
  show_wait("exit 0", child_exits(0));
  show_wait("exit 7", child_exits(7));
  show_wait("exit 256 + 9", child_exits(256 + 9));
  long pid = must(fork());
  if (pid == 0) {
    sys(kill, getpid(), SIGKILL);
    quit(1);
  }
  show_wait("killed", pid);

  pid = child_exits(3);
  long r = sys(wait4, pid, &status, 0, 0);
  say("wait returns the pid %d\n", r == pid);
  show("waiting again", sys(wait4, pid, &status, 0, 0));

  int p[2];
  must(sys(pipe2, p, 0));
  pid = must(fork());
  if (pid == 0) {
    char c;
    sys(close, p[1]);
    sys(read, p[0], &c, 1); /* until the parent closes */
    quit(4);
  }
  sys(close, p[0]);
  show("WNOHANG while it runs", sys(wait4, pid, &status, WNOHANG, 0));
  sys(close, p[1]);
  show_wait("then", pid);

  long a = child_exits(1), b = child_exits(2);
  int sum = 0, known = 0;
  for (int i = 0; i < 2; i++) {
    r = must(sys(wait4, -1, &status, 0, 0));
    known += r == a || r == b;
    sum += status >> 8;
  }
  say("any child: known %d, sum %d\n", known, sum);
  show("none left", sys(wait4, -1, &status, WNOHANG, 0));
  show("bad options", sys(wait4, -1, &status, 0x100, 0));
  show("a process that is not a child", sys(wait4, getpid(), &status, 0, 0));

  long parent = getpid();
  pid = must(fork());
  if (pid == 0) quit(sys(getppid) == parent && getpid() != parent ? 0 : 1);
  show_wait("getppid", pid);
  return 0;
}
