/* Level-triggered epoll: interest lists, what is ready, closing, errors. */
#include "epoll.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2], q[2];
  char buffer[16];
  must(sys(pipe2, p, 0));
  must(sys(pipe2, q, 0));
  long base = p[0], epoll = show_ok("create", sys(epoll_create1, O_CLOEXEC));
  show("add", control(epoll, ADD, p[0], EPOLLIN));
  show("add again", control(epoll, ADD, p[0], EPOLLIN));
  show_ready("nothing", epoll, 0, base);
  must(sys(write, p[1], "abc", 3));
  show_ready("readable", epoll, -1, base);
  show_ready("and still", epoll, 0, base);
  must(sys(read, p[0], buffer, 2));
  show_ready("one byte left", epoll, 0, base);
  must(sys(read, p[0], buffer, 2));
  show_ready("nothing left", epoll, 0, base);
  show("add the writer", control(epoll, ADD, p[1], EPOLLOUT));
  show("add another reader", control(epoll, ADD, q[0], EPOLLIN));
  must(sys(write, q[1], "x", 1));
  show_ready("several", epoll, 0, base);
  show("modify", control(epoll, MODIFY, p[1], 0));
  show_ready("without the writer", epoll, 0, base);
  show("delete", control(epoll, DELETE, q[0], 0));
  show_ready("without the other", epoll, 0, base);
  show("delete again", control(epoll, DELETE, q[0], 0));
  show("modify what is not there", control(epoll, MODIFY, q[0], EPOLLIN));
  sys(close, p[1]);
  show_ready("hang-up", epoll, 0, base);
  sys(close, p[0]);
  show_ready("closing removes", epoll, 0, base);
  long duplicate = must(sys(dup, q[0]));
  must(control(epoll, ADD, q[0], EPOLLIN));
  sys(close, q[0]);
  show_ready("not while a duplicate is open", epoll, 0, base);
  sys(close, duplicate);
  show_ready("then it does", epoll, 0, base);

  put_file("f", "x");
  show("add a file", control(epoll, ADD, must(openat("f", O_RDONLY, 0)), EPOLLIN));
  show("add itself", control(epoll, ADD, epoll, EPOLLIN));
  show("add to a pipe", control(q[1], ADD, epoll, EPOLLIN));
  show("add a closed descriptor", control(epoll, ADD, 99, EPOLLIN));
  show("bad operation", control(epoll, 9, q[1], EPOLLIN));
  struct epoll_event event;
  show("room for none", sys(epoll_pwait, epoll, &event, 0, 0, NULL, 8));
  show("wait on a pipe", sys(epoll_pwait, q[1], &event, 1, 0, NULL, 8));
  int64_t start = now_ns(CLOCK_MONOTONIC);
  show_ready("timeout", epoll, 20, base);
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) - start >= 20000000);

  /* One epoll inside another. */
  must(sys(pipe2, p, 0));
  long outer = must(sys(epoll_create1, 0));
  must(control(epoll, ADD, p[0], EPOLLIN));
  must(control(outer, ADD, epoll, EPOLLIN));
  show_ready("nested, nothing", outer, 0, epoll);
  must(sys(write, p[1], "x", 1));
  show_ready("nested", outer, -1, epoll);
  show("bad flags", sys(epoll_create1, 1));
  return 0;
}
