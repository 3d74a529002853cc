/* open flags, read, write, lseek, append, holes. */
#include "guest.h"

static char buffer[8192];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  show("open a missing file", openat("f", O_RDONLY, 0));
  long fd = show_ok("create", openat("f", O_RDWR | O_CREAT | O_EXCL, 0644));
  show("create it again with O_EXCL", openat("f", O_RDWR | O_CREAT | O_EXCL, 0644));
  show("write", sys(write, fd, "0123456789", 10));
  show("write nothing", sys(write, fd, "", 0));
  show("read at the end", sys(read, fd, buffer, 100));
  show("seek to 3", sys(lseek, fd, 3, SEEK_SET));
  show("read 4", sys(read, fd, buffer, 4));
  say("got %c%c%c%c\n", buffer[0], buffer[1], buffer[2], buffer[3]);
  show("seek +1", sys(lseek, fd, 1, SEEK_CUR));
  show("short read", sys(read, fd, buffer, 100));
  show("seek -2 from the end", sys(lseek, fd, -2, SEEK_END));
  show("seek before the start", sys(lseek, fd, -11, SEEK_END));
  show("seek with a bad whence", sys(lseek, fd, 0, 9));
  show("position unchanged", sys(lseek, fd, 0, SEEK_CUR));
  show("seek beyond the end", sys(lseek, fd, 5000, SEEK_SET));
  show("read beyond the end", sys(read, fd, buffer, 10));
  show("write beyond the end", sys(write, fd, "end", 3));
  show("size", sys(lseek, fd, 0, SEEK_END));
  sys(lseek, fd, 0, SEEK_SET);
  show("read it all", sys(read, fd, buffer, sizeof buffer));
  int zeros = 0;
  for (int i = 10; i < 5000; i++) zeros += buffer[i] == 0;
  say("zeros in the hole %d, tail %c%c%c\n", zeros, buffer[5000], buffer[5001], buffer[5002]);
  show("close", sys(close, fd));
  show("close again", sys(close, fd));
  show("read from it", sys(read, fd, buffer, 1));

  put_file("g", "abc");
  fd = must(openat("g", O_WRONLY | O_APPEND, 0));
  show("seek an append file", sys(lseek, fd, 0, SEEK_SET));
  show("append", sys(write, fd, "def", 3));
  show("position after append", sys(lseek, fd, 0, SEEK_CUR));
  show("read a write-only file", sys(read, fd, buffer, 1));
  sys(close, fd);
  show_file("g");
  fd = must(openat("g", O_RDONLY, 0));
  show("write a read-only file", sys(write, fd, "x", 1));
  sys(close, fd);
  fd = must(openat("g", O_WRONLY | O_TRUNC, 0));
  sys(close, fd);
  show_file("g");
  must(sys(mkdirat, AT_FDCWD, "d", 0755));
  show("open a directory for writing", openat("d", O_WRONLY, 0));
  show("create over a directory", openat("d", O_RDWR | O_CREAT, 0644));
  show("O_DIRECTORY on a file", openat("g", O_RDONLY | O_DIRECTORY, 0));
  fd = must(openat("d", O_RDONLY | O_DIRECTORY, 0));
  show("read a directory", sys(read, fd, buffer, 10));
  show("lowest descriptor", openat("g", O_RDONLY, 0));
  return 0;
}
