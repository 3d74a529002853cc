/* truncate, ftruncate, fallocate: sizes, zeros after growing again, errors. */
#include "guest.h"

static char buffer[8192];

static long size_of(const char *path) {
  struct stat st;
  must(sys(newfstatat, AT_FDCWD, path, &st, 0));
  return (long)st.st_size;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  put_file("f", "0123456789");
  long fd = must(openat("f", O_RDWR, 0));
  must(sys(lseek, fd, 8, SEEK_SET));
  show("ftruncate to 4", sys(ftruncate, fd, 4));
  show("size", size_of("f"));
  show("position stays", sys(lseek, fd, 0, SEEK_CUR));
  show("read there", sys(read, fd, buffer, 10));
  show("ftruncate to 6000", sys(ftruncate, fd, 6000));
  must(sys(lseek, fd, 0, SEEK_SET));
  show("read", sys(read, fd, buffer, sizeof buffer));
  int zeros = 1;
  for (int i = 4; i < 6000; i++) zeros &= buffer[i] == 0;
  say("%c%c%c%c then zeros %d\n", buffer[0], buffer[1], buffer[2], buffer[3], zeros);
  show("truncate by path to 2", sys(truncate, "f", 2));
  show_file("f");
  show("truncate to a negative size", sys(truncate, "f", -1));
  show("ftruncate to a negative size", sys(ftruncate, fd, -1));
  show("truncate a missing file", sys(truncate, "no", 0));
  show("truncate a directory", sys(truncate, ".", 0));
  show("ftruncate a bad descriptor", sys(ftruncate, 77, 0));
  long reader = must(openat("f", O_RDONLY, 0));
  show("ftruncate a descriptor for reading", sys(ftruncate, reader, 0));
  show("fallocate to 100", sys(fallocate, fd, 0, 0, 100));
  show("size", size_of("f"));
  show("fallocate keeps what is there", sys(fallocate, fd, 0, 0, 50));
  show("size", size_of("f"));
  show_file("f");
  show("fallocate of nothing", sys(fallocate, fd, 0, 0, 0));
  int p[2];
  must(sys(pipe2, p, 0));
  show("ftruncate a pipe", sys(ftruncate, p[1], 0));
  show("fsync", sys(fsync, fd));
  show("fdatasync", sys(fdatasync, fd));
  show("fsync a pipe", sys(fsync, p[0]));
  return 0;
}
