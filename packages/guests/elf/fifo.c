/* Named pipes: opening blocks until the other end is there; without blocking, ENXIO. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  char buffer[32];
  show("mkfifo", sys(mknodat, AT_FDCWD, "p", S_IFIFO | 0644, 0));
  show("mkfifo again", sys(mknodat, AT_FDCWD, "p", S_IFIFO | 0644, 0));
  show("open for writing without a reader", openat("p", O_WRONLY | O_NONBLOCK, 0));
  long reader = must(openat("p", O_RDONLY | O_NONBLOCK, 0));
  show("read without a writer", sys(read, reader, buffer, 10));
  long writer = must(openat("p", O_WRONLY | O_NONBLOCK, 0));
  show("read with a silent writer", sys(read, reader, buffer, 10));
  show("write", sys(write, writer, "abc", 3));
  show("read", sys(read, reader, buffer, 10));
  sys(close, writer), sys(close, reader);

  long pid = must(fork());
  if (pid == 0) {
    long fd = must(openat("p", O_WRONLY, 0));
    must(sys(write, fd, "from the child", 14));
    quit(0);
  }
  long fd = must(openat("p", O_RDONLY, 0));
  long n = 0, got = 0;
  while ((n = must(sys(read, fd, buffer + got, 32 - (size_t)got))) > 0) got += n;
  buffer[got] = 0;
  say("\"%s\"\n", buffer);
  show_wait("child", pid);
  show("open for both", openat("p", O_RDWR | O_NONBLOCK, 0) > 0);
  show("unlink", sys(unlinkat, AT_FDCWD, "p", 0));
  return 0;
}
