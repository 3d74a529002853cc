/* timerfd: expirations counted, polled, cancelled. */
#include "guest.h"

struct itimerspec64 { struct timespec interval, value; };

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  uint64_t count = 0;
  long fd = show_ok("create", sys(timerfd_create, CLOCK_MONOTONIC, 0));
  struct itimerspec64 set = {{0, 0}, {0, 10000000}}, now;
  show("set", sys(timerfd_settime, fd, 0, &set, NULL));
  show("read waits", sys(read, fd, &count, 8));
  say("expirations %lu\n", (unsigned long)count);
  must(sys(timerfd_gettime, fd, &now));
  say("disarmed %ld\n", (long)now.value.tv_nsec);
  show("short read", sys(read, fd, &count, 4));
  set = (struct itimerspec64){{0, 3000000}, {0, 3000000}};
  must(sys(timerfd_settime, fd, 0, &set, NULL));
  sleep_ms(30);
  show("read", sys(read, fd, &count, 8));
  say("several %d\n", count >= 9);
  struct { int fd; short events, revents; } entry = {(int)fd, POLLIN, 0};
  show("poll", sys(ppoll, &entry, 1, NULL, NULL, 0));
  say("readable %d\n", entry.revents == POLLIN);
  set = (struct itimerspec64){{0, 0}, {0, 0}};
  show("cancel", sys(timerfd_settime, fd, 0, &set, &now));
  must(sys(fcntl, fd, F_SETFL, O_NONBLOCK));
  sys(read, fd, &count, 8);
  show("read when disarmed", sys(read, fd, &count, 8));
  int64_t until = now_ns(CLOCK_MONOTONIC) + 10000000;
  set = (struct itimerspec64){{0, 0}, {until / 1000000000, until % 1000000000}};
  show("absolute", sys(timerfd_settime, fd, 1, &set, NULL));
  must(sys(fcntl, fd, F_SETFL, 0));
  show("read", sys(read, fd, &count, 8));
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) >= until);
  show("write", sys(write, fd, &count, 8));
  show("no such clock", sys(timerfd_create, 99, 0));
  return 0;
}
