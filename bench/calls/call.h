// What every measured call shares: `PROGRAM COUNT FILE` does a tenth of COUNT to warm up, then COUNT calls, and prints how many nanoseconds one took
// by the monotonic clock.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

// Each program's own.
static void prepare(const char *file);
static void calls(long count);
static void finish(void);

static double now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e9 + at.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s COUNT FILE\n", argv[0]);
    return 2;
  }
  long count = atol(argv[1]);
  prepare(argv[2]);
  calls(count / 10);
  double from = now_ns();
  calls(count);
  double took = now_ns() - from;
  finish();
  printf("%.2f\n", took / count);
  return 0;
}
