/* waitid: siginfo, WNOWAIT, WNOHANG, process groups. */
#include "guest.h"

static void show_info(const char *what, long result, siginfo_t *info, long pid) {
  if (result < 0) { show(what, result); return; }
  say("%s: signo %d code %d status %d pid %s\n", what, info->si_signo, info->si_code, info->si_signo ? info->si_status : 0,
      info->si_pid == pid ? "matches" : info->si_pid == 0 ? "0" : "differs");
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  siginfo_t info;
  memset(&info, 0, sizeof info);
  show("no children", sys(waitid, P_ALL, 0, &info, WEXITED, NULL));
  long pid = must(fork());
  if (pid == 0) quit(5);
  show_info("WNOWAIT", sys(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL), &info, pid);
  show_info("again", sys(waitid, P_PID, pid, &info, WEXITED, NULL), &info, pid);
  show_info("gone", sys(waitid, P_PID, pid, &info, WEXITED, NULL), &info, pid);
  pid = must(fork());
  if (pid == 0) {
    sys(kill, getpid(), SIGTERM);
    quit(0);
  }
  show_info("killed", sys(waitid, P_ALL, 0, &info, WEXITED, NULL), &info, pid);
  int p[2];
  char c;
  must(sys(pipe2, p, 0));
  pid = must(fork());
  if (pid == 0) {
    sys(close, p[1]);
    sys(setpgid, 0, 0);
    sys(read, p[0], &c, 1);
    quit(6);
  }
  sys(close, p[0]);
  sys(setpgid, pid, pid);
  memset(&info, 0, sizeof info);
  show_info("WNOHANG", sys(waitid, P_PID, pid, &info, WEXITED | WNOHANG, NULL), &info, pid);
  show_info("another group", sys(waitid, P_PGID, getpid(), &info, WEXITED | WNOHANG, NULL), &info, pid);
  sys(close, p[1]);
  show_info("its group", sys(waitid, P_PGID, pid, &info, WEXITED, NULL), &info, pid);
  show("no WEXITED", sys(waitid, P_ALL, 0, &info, 0, NULL));
  show("bad kind", sys(waitid, 77, 0, &info, WEXITED, NULL));
  return 0;
}
