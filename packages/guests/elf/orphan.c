/* A child whose parent ends is adopted: by a subreaper where there is one. */
#include "guest.h"
#include <linux/prctl.h>

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  char c = 0;
  must(sys(pipe2, p, 0));
  long me = getpid(), middle = must(fork());
  if (middle == 0) {
    if (must(fork()) == 0) {
      long parent = getpid();
      while ((parent = sys(getppid)) != me && parent != 1) sys(sched_yield);
      c = parent == 1 ? 'i' : 'm';
      must(sys(write, p[1], &c, 1));
      quit(0);
    }
    quit(2);
  }
  show_wait("middle", middle);
  must(sys(read, p[0], &c, 1));
  say("adopted by %s\n", c == 'i' ? "init" : "me");
  int status;
  show("it is not ours", sys(wait4, -1, &status, 0, NULL));

  show("PR_SET_CHILD_SUBREAPER", sys(prctl, PR_SET_CHILD_SUBREAPER, 1));
  middle = must(fork());
  if (middle == 0) {
    long first = getpid();
    if (must(fork()) == 0) {
      while (sys(getppid) == first) sys(sched_yield);
      quit(sys(getppid) == me ? 21 : 22);
    }
    quit(3);
  }
  show_wait("middle", middle);
  show_wait("grandchild", -1);
  return 0;
}
