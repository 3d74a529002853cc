/* readv, writev, pread, pwrite, preadv, pwritev: order, short results, positions, limits. */
#include "guest.h"

static char a[4], b[8], c[16];
static struct iovec many[1025];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  long fd = must(openat("f", O_RDWR | O_CREAT, 0644));
  struct iovec out[4] = {{"abc", 3}, {"", 0}, {"defgh", 5}, {"ij", 2}};
  show("writev", sys(writev, fd, out, 4));
  show_file("f");
  must(sys(lseek, fd, 1, SEEK_SET));
  struct iovec in[3] = {{a, 4}, {b, 3}, {c, 16}};
  show("readv", sys(readv, fd, in, 3));
  say("%c%c%c%c %c%c%c %c%c\n", a[0], a[1], a[2], a[3], b[0], b[1], b[2], c[0], c[1]);
  show("readv at the end", sys(readv, fd, in, 3));
  show("pread", sys(pread64, fd, b, 4, 2));
  say("%c%c%c%c\n", b[0], b[1], b[2], b[3]);
  show("pwrite", sys(pwrite64, fd, "XY", 2, 12));
  show("position unchanged", sys(lseek, fd, 0, SEEK_CUR));
  show("pread beyond the end", sys(pread64, fd, b, 4, 100));
  show("pread across the hole", sys(pread64, fd, c, 16, 9));
  say("%c %d %d %c%c\n", c[0], c[1], c[2], c[3], c[4]);
  show("pread at a negative offset", sys(pread64, fd, b, 4, -1));
  show("pwrite at a negative offset", sys(pwrite64, fd, b, 4, -1));
  show("preadv", sys(preadv, fd, in, 3, 1, 0));
  say("%c%c%c%c %c%c%c %c\n", a[0], a[1], a[2], a[3], b[0], b[1], b[2], c[0]);
  show("pwritev", sys(pwritev, fd, out, 4, 0, 0));
  show("writev of nothing", sys(writev, fd, out, 0));
  for (int i = 0; i < 1025; i++) many[i] = (struct iovec){"x", 1};
  show("writev of 1024 parts", sys(writev, fd, many, 1024));
  show("writev of 1025 parts", sys(writev, fd, many, 1025));
  struct iovec negative[1] = {{a, (size_t)-1}};
  show("writev of a negative length", sys(writev, fd, negative, 1));
  struct iovec bad[2] = {{"ok", 2}, {(void *)8, 4}};
  show("writev with a bad second part", sys(writev, fd, bad, 2));
  struct iovec worse[1] = {{(void *)8, 4}};
  show("writev with only a bad part", sys(writev, fd, worse, 1));
  show("writev with a bad array", sys(writev, fd, (void *)8, 1));
  int p[2];
  must(sys(pipe2, p, 0));
  show("writev to a pipe", sys(writev, p[1], out, 4));
  show("pread from a pipe", sys(pread64, p[0], b, 4, 0));
  show("pwrite to a pipe", sys(pwrite64, p[1], b, 4, 0));
  show("readv from a pipe", sys(readv, p[0], in, 3));
  say("%c%c%c%c %c%c%c %c\n", a[0], a[1], a[2], a[3], b[0], b[1], b[2], c[0]);
  fd = must(openat("f", O_WRONLY | O_APPEND | O_TRUNC, 0));
  must(sys(write, fd, "12345", 5));
  show("pwrite to an append file", sys(pwrite64, fd, "6", 1, 0)); /* Linux appends: BUGS of pwrite(2) */
  show_file("f");
  return 0;
}
