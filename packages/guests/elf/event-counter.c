/* eventfd: counting, semaphore mode, limits, waking a reader. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  uint64_t value = 5;
  long fd = show_ok("create with 3", sys(eventfd2, 3, O_NONBLOCK));
  show("write 5", sys(write, fd, &value, 8));
  show("read", sys(read, fd, &value, 8));
  say("sum %lu\n", (unsigned long)value);
  show("read nothing", sys(read, fd, &value, 8));
  show("short read", sys(read, fd, &value, 7));
  show("short write", sys(write, fd, &value, 7));
  value = -1UL;
  show("write the forbidden value", sys(write, fd, &value, 8));
  value = -2UL;
  show("write the most", sys(write, fd, &value, 8));
  value = 1;
  show("and one more", sys(write, fd, &value, 8));
  struct { int fd; short events, revents; } entry = {(int)fd, POLLIN | POLLOUT, 0};
  struct timespec zero = {0, 0};
  show("poll", sys(ppoll, &entry, 1, &zero, NULL, 0));
  say("only readable %d\n", entry.revents == POLLIN);
  must(sys(read, fd, &value, 8));
  must(sys(ppoll, &entry, 1, &zero, NULL, 0));
  say("only writable %d\n", entry.revents == POLLOUT);
  show("seek", sys(lseek, fd, 0, SEEK_SET));

  long semaphore = must(sys(eventfd2, 2, 1 | O_NONBLOCK));
  for (int i = 0; i < 3; i++) {
    value = 0;
    show("semaphore", sys(read, semaphore, &value, 8));
    say("value %lu\n", (unsigned long)value);
  }
  show("bad flags", sys(eventfd2, 0, 2));
  long blocking = must(sys(eventfd2, 0, 0)), pid = must(fork());
  if (pid == 0) {
    sleep_ms(15);
    value = 77;
    must(sys(write, blocking, &value, 8));
    quit(0);
  }
  show("blocking read", sys(read, blocking, &value, 8));
  say("value %lu\n", (unsigned long)value);
  show_wait("child", pid);
  return 0;
}
