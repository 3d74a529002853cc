/* /dev/null, /dev/zero, /dev/full, /dev/urandom. */
#include "guest.h"

static char buffer[1000];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  long null = must(openat("/dev/null", O_RDWR, 0));
  show("write /dev/null", sys(write, null, buffer, 1000));
  show("read /dev/null", sys(read, null, buffer, 1000));
  show("seek /dev/null", sys(lseek, null, 100, SEEK_SET));
  show("truncate /dev/null by opening", sys(close, openat("/dev/null", O_WRONLY | O_TRUNC | O_CREAT, 0644)));
  long zero = must(openat("/dev/zero", O_RDWR, 0));
  memset(buffer, 'x', 1000);
  show("read /dev/zero", sys(read, zero, buffer, 999));
  int zeros = 0;
  for (int i = 0; i < 1000; i++) zeros += buffer[i] == 0;
  say("zeros %d\n", zeros);
  show("write /dev/zero", sys(write, zero, buffer, 10));
  long full = must(openat("/dev/full", O_RDWR, 0));
  show("write /dev/full", sys(write, full, buffer, 10));
  show("read /dev/full", sys(read, full, buffer, 10));
  long random = must(openat("/dev/urandom", O_RDONLY, 0));
  static char other[1000];
  show("read /dev/urandom", sys(read, random, buffer, 1000));
  show("read /dev/urandom", sys(read, random, other, 1000));
  say("different %d\n", memcmp(buffer, other, 1000) != 0);
  char *p = (char *)must(sys(mmap, NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0));
  say("mapped /dev/zero %d", p[5000]);
  p[5000] = 1;
  say(" %d\n", p[5000]);
  show("a directory in /dev", openat("/dev/null/x", O_RDONLY, 0));
  must(sys(dup3, null, 1, 0));
  say("nobody sees this\n");
  say_to(2, "stderr is not redirected\n");
  return 0;
}
