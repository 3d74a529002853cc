// Runs a command and writes what it took to descriptor 3: user, system and wall microseconds, the largest resident set in KiB, its status.
// Of all its threads, and of the children it waited for.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

int main(int argc, char **argv) {
  struct timespec from, to;
  struct rusage used;
  int status;
  if (argc < 2) return 2;
  clock_gettime(CLOCK_MONOTONIC, &from);
  pid_t child = fork();
  if (child == 0) {
    close(3);
    execvp(argv[1], argv + 1);
    fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &used) != child) return 2;
  clock_gettime(CLOCK_MONOTONIC, &to);
  long wall = (to.tv_sec - from.tv_sec) * 1000000L + (to.tv_nsec - from.tv_nsec) / 1000;
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  dprintf(3, "%ld %ld %ld %ld %d\n", microseconds(used.ru_utime), microseconds(used.ru_stime), wall, used.ru_maxrss, code);
  return 0;
}
