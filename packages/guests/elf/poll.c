/* ppoll on pipes and files: which events, end of file, errors, timeouts. */
#include "guest.h"

struct entry { int fd; short events, revents; };

static void show_poll(const char *what, struct entry *entries, unsigned count, long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  long r = sys(ppoll, entries, count, ms < 0 ? NULL : &t, NULL, 0);
  if (r < 0) { show(what, r); return; }
  say("%s: %ld", what, r);
  for (unsigned i = 0; i < count; i++) say(" %x", (unsigned)(unsigned short)entries[i].revents);
  say("\n");
}

static char big[70000];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  must(sys(pipe2, p, 0));
  struct entry both[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
  show_poll("empty pipe", both, 2, 0);
  must(sys(write, p[1], "x", 1));
  show_poll("with content", both, 2, 0);
  must(sys(fcntl, p[1], F_SETFL, O_NONBLOCK));
  while (sys(write, p[1], big, sizeof big) > 0) {}
  show_poll("full", both, 2, 0);
  must(sys(read, p[0], big, 4096));
  show_poll("with room again", both, 2, 0);
  while (sys(read, p[0], big, sizeof big) == sizeof big) {}
  sys(fcntl, p[0], F_SETFL, O_NONBLOCK);
  while (sys(read, p[0], big, sizeof big) > 0) {}
  show_poll("drained", both, 2, 0);
  struct entry none[1] = {{p[0], 0, 0}};
  show_poll("asking for nothing", none, 1, 0);
  sys(close, p[1]);
  show_poll("writer gone", both, 1, 0);
  show_poll("writer gone, asking for nothing", none, 1, 0);
  struct entry closed[3] = {{p[1], POLLIN, 0}, {-1, POLLIN, 77}, {-5, POLLIN, 77}};
  show_poll("closed and negative descriptors", closed, 3, 0);
  must(sys(pipe2, p, 0));
  sys(close, p[0]);
  struct entry writer[1] = {{p[1], POLLOUT, 0}};
  show_poll("reader gone", writer, 1, 0);
  put_file("f", "x");
  struct entry file[1] = {{(int)must(openat("f", O_RDWR, 0)), POLLIN | POLLOUT, 0}};
  show_poll("a file is always ready", file, 1, -1);
  struct entry null[1] = {{(int)must(openat("/dev/null", O_RDWR, 0)), POLLIN | POLLOUT, 0}};
  show_poll("/dev/null too", null, 1, -1);

  must(sys(pipe2, p, 0));
  both[0].fd = p[0], both[1] = (struct entry){p[0], POLLIN, 0};
  int64_t start = now_ns(CLOCK_MONOTONIC);
  show_poll("timeout", both, 1, 20);
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) - start >= 20000000);
  show_poll("timeout without descriptors", both, 0, 5);
  long pid = must(fork());
  if (pid == 0) {
    sleep_ms(15);
    must(sys(write, p[1], "y", 1));
    quit(0);
  }
  show_poll("woken, listed twice", both, 2, -1);
  show_wait("child", pid);
  struct timespec bad = {0, 1000000000};
  show("bad timeout", sys(ppoll, both, 1, &bad, NULL, 0));
  show("more entries than descriptors are allowed", sys(ppoll, both, 1 << 30, NULL, NULL, 0));
  return 0;
}
