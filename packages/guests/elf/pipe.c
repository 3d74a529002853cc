/* A pipe in one process: order, end of file, EPIPE, and the descriptors' flags. */
#include "guest.h"

static char buffer[64];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  show("pipe", sys(pipe2, p, 0));
  say("descriptors %d %d\n", p[0], p[1]);
  show("write", sys(write, p[1], "abc", 3));
  show("write more", sys(write, p[1], "defg", 4));
  show("read 5", sys(read, p[0], buffer, 5));
  say("%c%c%c%c%c\n", buffer[0], buffer[1], buffer[2], buffer[3], buffer[4]);
  show("read the rest", sys(read, p[0], buffer, 60));
  show("seek", sys(lseek, p[0], 0, SEEK_CUR));
  show("read the write end", sys(read, p[1], buffer, 1));
  show("write the read end", sys(write, p[0], "x", 1));
  show("read nothing", sys(read, p[0], buffer, 0));
  must(sys(write, p[1], "last", 4));
  sys(close, p[1]);
  show("read what is left", sys(read, p[0], buffer, 60));
  show("end of file", sys(read, p[0], buffer, 60));
  show("and again", sys(read, p[0], buffer, 60));
  sys(close, p[0]);

  must(on_signal(SIGPIPE, (signal_action)SIG_IGN, 0));
  must(sys(pipe2, p, O_CLOEXEC));
  show("F_GETFD", sys(fcntl, p[0], F_GETFD));
  show("F_GETFL read end", sys(fcntl, p[0], F_GETFL));
  show("F_GETFL write end", sys(fcntl, p[1], F_GETFL));
  sys(close, p[0]);
  show("write without a reader", sys(write, p[1], "x", 1));
  show("write nothing without a reader", sys(write, p[1], "x", 0));
  show("bad flags", sys(pipe2, p, 1));
  struct stat st;
  show("fstat", sys(fstat, p[1], &st));
  say("mode %o size %ld\n", st.st_mode, (long)st.st_size);

  long child = must(fork());
  if (child == 0) {
    must(on_signal(SIGPIPE, (signal_action)SIG_DFL, 0));
    sys(write, p[1], "x", 1);
    quit(5);
  }
  show_wait("SIGPIPE by default", child);
  return 0;
}
