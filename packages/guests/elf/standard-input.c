/* Standard input as a pipe: read in odd pieces, polled, and at its end. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  char buffer[7];
  struct stat st;
  must(sys(fstat, 0, &st));
  say("a pipe %d\n", S_ISFIFO(st.st_mode));
  long total = 0, n, lines = 0;
  unsigned sum = 0;
  while ((n = must(sys(read, 0, buffer, sizeof buffer))) > 0) {
    for (long i = 0; i < n; i++) lines += buffer[i] == '\n', sum = sum * 31 + (unsigned char)buffer[i];
    total += n;
  }
  say("bytes %ld lines %ld sum %x\n", total, lines, sum);
  show("still at the end", sys(read, 0, buffer, 1));
  struct { int fd; short events, revents; } entry = {0, POLLIN, 0};
  show("poll at the end", sys(ppoll, &entry, 1, NULL, NULL, 0));
  show("seek", sys(lseek, 0, 0, SEEK_SET));
  show("close", sys(close, 0));
  show("the next descriptor is 0", openat("/dev/null", O_RDONLY, 0));
  return 0;
}
