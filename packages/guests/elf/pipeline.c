/* pipeline A [ARG…] -- B [ARG…] -- …: runs programs connected by pipes as a shell does; exits with the last one's status. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  if (argc < 2) return 2;
  long input = 0, last = 0;
  int count = 0;
  for (int i = 1; i < argc;) {
    char **command = argv + i;
    while (i < argc && !same(argv[i], "--")) i++;
    int more = i < argc, p[2];
    argv[i++] = NULL;
    if (more) must(sys(pipe2, p, O_CLOEXEC));
    last = must(fork());
    if (last == 0) {
      if (input) must(sys(dup3, input, 0, 0)), must(sys(close, input));
      if (more) must(sys(dup3, p[1], 1, 0));
      long error = sys(execve, command[0], command, envp);
      say_to(2, "%s: error %ld\n", command[0], -error);
      quit(error == -ENOENT ? 127 : 126);
    }
    count++;
    if (input) must(sys(close, input));
    if (more) must(sys(close, p[1])), input = p[0];
  }
  int result = 0, status;
  while (count-- > 0) {
    long pid = must(sys(wait4, -1, &status, 0, NULL));
    if (pid == last) result = status & 0x7f ? 128 + (status & 0x7f) : status >> 8;
  }
  return result;
}
