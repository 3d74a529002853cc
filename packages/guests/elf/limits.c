/* Resource limits: read, set, inherited, and RLIMIT_NOFILE in force. */
#include "guest.h"
#include <asm/resource.h>

struct limit { uint64_t now, most; };

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct limit limit = {0, 0}, old = {0, 0};
  show("RLIMIT_NOFILE", sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit));
  say("soft <= hard %d\n", limit.now <= limit.most);
  show("RLIMIT_STACK", sys(prlimit64, 0, RLIMIT_STACK, NULL, &limit));
  say("%lu\n", (unsigned long)limit.now);
  limit = (struct limit){10, 20};
  show("set to 10", sys(prlimit64, 0, RLIMIT_NOFILE, &limit, &old));
  show("read back", sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit));
  say("%lu %lu\n", (unsigned long)limit.now, (unsigned long)limit.most);
  long last = 0, fd;
  while ((fd = openat("/dev/null", O_RDONLY, 0)) >= 0) last = fd;
  show("last descriptor", last);
  show("next", fd);
  show("dup", sys(dup, 1));
  int p[2];
  show("pipe", sys(pipe2, p, 0));
  show("dup3 to 10", sys(dup3, 1, 10, 0));
  sys(close, 9);
  show("pipe with room for one", sys(pipe2, p, 0));
  show_ok("the room is still there", openat("/dev/null", O_RDONLY, 0));
  limit = (struct limit){20, 20};
  show("raise the soft one", sys(prlimit64, 0, RLIMIT_NOFILE, &limit, NULL));
  show("dup", sys(dup, 1));
  limit = (struct limit){21, 20};
  show("soft above hard", sys(prlimit64, 0, RLIMIT_NOFILE, &limit, NULL));
  show("no such limit", sys(prlimit64, 0, 99, NULL, &limit));
  long pid = must(fork());
  if (pid == 0) {
    must(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit));
    quit((int)limit.most);
  }
  show_wait("inherited", pid);
  return 0;
}
