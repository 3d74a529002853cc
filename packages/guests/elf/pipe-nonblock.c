/* Non-blocking pipes: EAGAIN, capacity, PIPE_BUF, partial writes, F_SETPIPE_SZ. */
#include "guest.h"

static char buffer[200000];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  must(sys(pipe2, p, O_NONBLOCK));
  show("read an empty pipe", sys(read, p[0], buffer, 10));
  show("capacity", sys(fcntl, p[0], F_GETPIPE_SZ));
  show("write more than fits", sys(write, p[1], buffer, 200000));
  show("write when full", sys(write, p[1], buffer, 1));
  show("take one page", sys(read, p[0], buffer, 4096));
  show("write PIPE_BUF: fits", sys(write, p[1], buffer, 4096));
  show("take a little", sys(read, p[0], buffer, 100));
  show("write PIPE_BUF: all or nothing", sys(write, p[1], buffer, 4096));
  long total = 0, n;
  while ((n = sys(read, p[0], buffer, sizeof buffer)) > 0) total += n;
  show("drained", total);
  show("then", n);
  show("make it blocking", sys(fcntl, p[0], F_SETFL, 0));
  show("only this end", (sys(fcntl, p[1], F_GETFL) & O_NONBLOCK) != 0);
  sys(close, p[1]);
  show("end of file", sys(read, p[0], buffer, 10));
  must(sys(pipe2, p, 0));
  show("smaller capacity", sys(fcntl, p[1], F_SETPIPE_SZ, 4096));
  must(sys(fcntl, p[1], F_SETFL, O_NONBLOCK));
  show("write more than fits", sys(write, p[1], buffer, 10000));
  show("capacity below the content", sys(fcntl, p[1], F_SETPIPE_SZ, 4096) >= 4096);
  show("F_GETPIPE_SZ of a file", sys(fcntl, openat(".", O_RDONLY, 0), F_GETPIPE_SZ));
  return 0;
}
