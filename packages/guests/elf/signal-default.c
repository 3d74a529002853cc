/* What each signal does when nothing was arranged. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  for (int signal = 1; signal <= 64; signal++) {
    if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) continue;
    long pid = must(fork());
    if (pid == 0) {
      sys(kill, getpid(), signal);
      quit(0);
    }
    int status;
    must(sys(wait4, pid, &status, 0, NULL));
    if (status == 0) say("%d is ignored\n", signal);
    else if ((status & 0x7f) != signal) say("%d: status %x\n", signal, status);
  }
  say("all others end the process\n");
  int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  for (int i = 0; i < 4; i++) {
    long pid = must(fork());
    if (pid == 0) {
      sys(setpgid, 0, 0);
      sys(kill, getpid(), stops[i]);
      quit(0);
    }
    int status;
    must(sys(wait4, pid, &status, WUNTRACED, NULL));
    show_status("stop signal", status);
    sys(kill, pid, SIGKILL);
    show_wait("then", pid);
  }
  return 0;
}
