/* A megabyte through a pipe between two processes: both block in turns, nothing is lost or out of order. */
#include "guest.h"

#define TOTAL (1 << 20)
static unsigned char buffer[10007];

static unsigned next(unsigned *state) { return *state = *state * 1664525u + 1013904223u; }

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  must(sys(pipe2, p, 0));
  long child = must(fork());
  unsigned state = 1;
  if (child == 0) {
    sys(close, p[0]);
    for (long done = 0; done < TOTAL;) {
      long size = TOTAL - done < 8000 ? TOTAL - done : 8000;
      for (long i = 0; i < size; i++) buffer[i] = (unsigned char)(next(&state) >> 24);
      for (long at = 0; at < size;) at += must(sys(write, p[1], buffer + at, size - at));
      done += size;
    }
    quit(0);
  }
  sys(close, p[1]);
  long total = 0, wrong = 0, n;
  while ((n = must(sys(read, p[0], buffer, sizeof buffer))) > 0) {
    for (long i = 0; i < n; i++) wrong += buffer[i] != (unsigned char)(next(&state) >> 24);
    total += n;
  }
  say("total %ld wrong %ld\n", total, wrong);
  show_wait("writer", child);
  return 0;
}
