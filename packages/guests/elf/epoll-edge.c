/* Edge-triggered and one-shot epoll: each arrival is told once. */
#include "epoll.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  char buffer[16];
  must(sys(pipe2, p, O_NONBLOCK));
  long base = p[0], epoll = must(sys(epoll_create1, 0));
  must(control(epoll, ADD, p[0], EPOLLIN | EPOLLET));
  show_ready("nothing", epoll, 0, base);
  must(sys(write, p[1], "ab", 2));
  show_ready("an edge", epoll, 0, base);
  show_ready("told once", epoll, 0, base);
  must(sys(read, p[0], buffer, 1));
  show_ready("a partial read is no edge", epoll, 0, base);
  must(sys(write, p[1], "c", 1));
  show_ready("another write is, though not empty", epoll, 0, base);
  show_ready("told once", epoll, 0, base);
  must(control(epoll, MODIFY, p[0], EPOLLIN | EPOLLET));
  show_ready("modifying arms it", epoll, 0, base);
  sys(close, p[1]);
  show_ready("hang-up is an edge", epoll, 0, base);
  show_ready("told once", epoll, 0, base);
  sys(close, p[0]);

  must(sys(pipe2, p, O_NONBLOCK));
  base = p[0];
  must(sys(write, p[1], "x", 1));
  must(control(epoll, ADD, p[0], EPOLLIN | EPOLLET));
  show_ready("ready when added", epoll, 0, base);
  show_ready("told once", epoll, 0, base);
  must(control(epoll, MODIFY, p[0], EPOLLIN | EPOLLONESHOT));
  show_ready("one shot", epoll, 0, base);
  must(sys(write, p[1], "y", 1));
  show_ready("disabled", epoll, 0, base);
  must(control(epoll, MODIFY, p[0], EPOLLIN | EPOLLONESHOT));
  show_ready("armed again", epoll, 0, base);
  must(control(epoll, ADD, p[1], EPOLLOUT | EPOLLET));
  show_ready("writable when added", epoll, 0, base);
  show_ready("told once", epoll, 0, base);

  /* A waiting process is woken by the edge. */
  must(control(epoll, DELETE, p[1], 0));
  while (sys(read, p[0], buffer, sizeof buffer) > 0) {}
  must(control(epoll, MODIFY, p[0], EPOLLIN | EPOLLET));
  long pid = must(fork());
  if (pid == 0) {
    sleep_ms(15);
    must(sys(write, p[1], "z", 1));
    quit(0);
  }
  show_ready("woken", epoll, -1, base);
  show_wait("child", pid);
  return 0;
}
