/* dup, dup3, fcntl, close_range: lowest numbers, shared offsets, separate flags, errors. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  put_file("f", "abcdef");
  long fd = must(openat("f", O_RDWR, 0));
  show("open gives", fd);
  show("dup", sys(dup, fd));
  show("dup", sys(dup, fd));
  sys(close, 4);
  show("the lowest free one", sys(dup, fd));
  char c;
  must(sys(read, fd, &c, 1));
  must(sys(read, 5, &c, 1));
  say("offset is shared '%c'\n", c);
  show("dup3 to 9", sys(dup3, fd, 9, 0));
  show("dup3 over an open one", sys(dup3, fd, 5, O_CLOEXEC));
  show("its FD_CLOEXEC", sys(fcntl, 5, F_GETFD));
  show("the other's", sys(fcntl, fd, F_GETFD));
  show("dup3 to itself", sys(dup3, fd, fd, 0));
  show("dup3 from a closed one", sys(dup3, 77, 9, 0));
  show("dup3 with bad flags", sys(dup3, fd, 9, 1));
  show("dup3 to a negative one", sys(dup3, fd, -1, 0));
  show("dup3 beyond the limit", sys(dup3, fd, 1 << 30, 0));
  show("F_DUPFD from 20", sys(fcntl, fd, F_DUPFD, 20));
  show("F_DUPFD from 20", sys(fcntl, fd, F_DUPFD, 20));
  show("F_DUPFD_CLOEXEC from 20", sys(fcntl, fd, F_DUPFD_CLOEXEC, 20));
  show("its FD_CLOEXEC", sys(fcntl, 22, F_GETFD));
  show("F_DUPFD from a negative one", sys(fcntl, fd, F_DUPFD, -1));
  show("F_SETFD", sys(fcntl, fd, F_SETFD, 1));
  show("F_GETFD", sys(fcntl, fd, F_GETFD));
  say("F_GETFL access mode %ld\n", sys(fcntl, fd, F_GETFL) & O_ACCMODE);
  show("F_SETFL O_APPEND", sys(fcntl, fd, F_SETFL, O_APPEND | O_WRONLY));
  say("seen through the duplicate %d, access mode kept %ld\n", (sys(fcntl, 9, F_GETFL) & O_APPEND) != 0, sys(fcntl, 9, F_GETFL) & O_ACCMODE);
  must(sys(lseek, 9, 0, SEEK_SET));
  must(sys(write, 9, "Z", 1));
  show_file("f");
  show("unknown fcntl", sys(fcntl, fd, 9999));
  show("fcntl of a closed one", sys(fcntl, 77, F_GETFD));
  show("close 20", sys(close, 20));
  show("close_range 21 to 30", sys(close_range, 21, 30, 0));
  show("22 is closed", sys(fcntl, 22, F_GETFD));
  show("9 is open", sys(fcntl, 9, F_GETFD));
  show("close_range with CLOEXEC", sys(close_range, 9, 9, 4));
  show("9 has FD_CLOEXEC", sys(fcntl, 9, F_GETFD));
  show("close_range backwards", sys(close_range, 9, 8, 0));
  show("close -1", sys(close, -1));
  return 0;
}
