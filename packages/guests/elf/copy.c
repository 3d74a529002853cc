/* sendfile and copy_file_range: amounts, positions, errors. */
#include "guest.h"

static char buffer[300000];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  for (unsigned i = 0; i < sizeof buffer; i++) buffer[i] = (char)(i * 7 + i / 251);
  long in = must(openat("in", O_RDWR | O_CREAT, 0644));
  for (long at = 0; at < (long)sizeof buffer;) at += must(sys(write, in, buffer + at, sizeof buffer - (size_t)at));
  long out = must(openat("out", O_RDWR | O_CREAT, 0644));
  int64_t from = 1000, to = 5;
  show("copy_file_range", sys(copy_file_range, in, &from, out, &to, 70000, 0));
  say("offsets %ld %ld\n", (long)from, (long)to);
  show("position of out", sys(lseek, out, 0, SEEK_CUR));
  must(sys(lseek, in, 299990, SEEK_SET));
  show("to the end, by positions", sys(copy_file_range, in, NULL, out, NULL, 100, 0));
  show("at the end", sys(copy_file_range, in, NULL, out, NULL, 100, 0));
  show("position of out", sys(lseek, out, 0, SEEK_CUR));
  show("flags", sys(copy_file_range, in, NULL, out, NULL, 100, 1));
  static char copied[70000];
  must(sys(pread64, out, copied, 69995, 10));
  int equal = 1;
  for (int i = 0; i < 69995; i++) equal &= copied[i] == buffer[1005 + i];
  say("equal %d\n", equal);

  must(sys(ftruncate, out, 0)), must(sys(lseek, out, 0, SEEK_SET)), must(sys(lseek, in, 100, SEEK_SET));
  long total = 0, n;
  while ((n = must(sys(sendfile, out, in, NULL, 65536))) > 0) total += n;
  show("sendfile until the end", total);
  from = 50;
  show("sendfile with an offset", sys(sendfile, out, in, &from, 1000));
  say("offset %ld\n", (long)from);
  show("position of in", sys(lseek, in, 0, SEEK_CUR));
  int p[2];
  must(sys(pipe2, p, 0));
  from = 0;
  show("sendfile to a pipe", sys(sendfile, p[1], in, &from, 1000));
  show("read it", sys(read, p[0], copied, 2000));
  equal = 1;
  for (int i = 0; i < 1000; i++) equal &= copied[i] == buffer[i];
  say("equal %d\n", equal);
  show("sendfile from a pipe", sys(sendfile, out, p[0], NULL, 0));
  show("sendfile to a bad descriptor", sys(sendfile, 77, in, NULL, 10));
  from = -1;
  show("a negative offset", sys(sendfile, out, in, &from, 10));
  return 0;
}
