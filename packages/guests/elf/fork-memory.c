/* After fork, memory is separate and open files are shared. */
#include "guest.h"

static int global = 1;

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  volatile int local = 10;
  int *private = (int *)must(sys(mmap, NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int *shared = (int *)must(sys(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  private[0] = 100;
  shared[0] = 1000;
  put_file("f", "abcdefgh");
  long fd = must(openat("f", O_RDWR, 0));
  char c;
  must(sys(read, fd, &c, 1));
  long pid = must(fork());
  if (pid == 0) {
    global++, local++, private[0]++, shared[0]++;
    must(sys(read, fd, &c, 1));
    say("child: %d %d %d %d read %c\n", global, local, private[0], shared[0], c);
    sys(close, fd);
    must(sys(chdir, "/"));
    sys(umask, 077);
    quit(0);
  }
  show_wait("child", pid);
  say("parent: %d %d %d %d\n", global, local, private[0], shared[0]);
  show("the offset moved", sys(lseek, fd, 0, SEEK_CUR));
  show_file("f");
  say("umask %o\n", (unsigned)sys(umask, 022));

  /* Many children in a chain, each one generation deeper. */
  int depth = 0;
  while (depth < 8) {
    pid = must(fork());
    if (pid != 0) break;
    depth++;
  }
  if (depth == 8) quit(8);
  int status;
  must(sys(wait4, pid, &status, 0, 0));
  if (depth > 0) quit(status >> 8);
  say("generations %d\n", status >> 8);
  return 0;
}
