/* Stopping and continuing a child, and how wait tells. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2], status = 0;
  char c;
  must(sys(pipe2, p, 0));
  long pid = must(fork());
  if (pid == 0) {
    sys(close, p[1]);
    must(sys(setpgid, 0, 0)); /* SIGTSTP stops no member of an orphaned group: this one has a parent outside it */
    must(sys(kill, getpid(), SIGSTOP));
    while (sys(read, p[0], &c, 1) > 0) {}
    quit(9);
  }
  sys(close, p[0]);
  must(sys(wait4, pid, &status, WUNTRACED, NULL));
  show_status("WUNTRACED", status);
  show("nothing new", sys(wait4, pid, &status, WUNTRACED | WNOHANG, NULL));
  show("SIGCONT", sys(kill, pid, SIGCONT));
  must(sys(wait4, pid, &status, 8, NULL)); /* WCONTINUED */
  show_status("WCONTINUED", status);
  show("SIGTSTP", sys(kill, pid, SIGTSTP));
  must(sys(wait4, pid, &status, WUNTRACED, NULL));
  show_status("WUNTRACED", status);
  show("a signal waits while it is stopped", sys(kill, pid, SIGTERM));
  show("still stopped", sys(wait4, pid, &status, WNOHANG, NULL));
  show("SIGCONT", sys(kill, pid, SIGCONT));
  show_wait("then", pid);

  pid = must(fork());
  if (pid == 0) {
    must(sys(kill, getpid(), SIGSTOP));
    quit(0);
  }
  must(sys(wait4, pid, &status, WUNTRACED, NULL));
  show("SIGKILL ends a stopped one", sys(kill, pid, SIGKILL));
  show_wait("killed", pid);
  return 0;
}
