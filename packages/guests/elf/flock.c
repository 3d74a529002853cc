/* flock between open file descriptions, and record locks between processes. */
#include "guest.h"
#include <linux/fcntl.h>

enum { SHARED = 1, EXCLUSIVE = 2, NONBLOCK = 4, UNLOCK = 8 };

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  put_file("f", "x");
  long a = must(openat("f", O_RDWR, 0)), b = must(openat("f", O_RDWR, 0));
  show("exclusive", sys(flock, a, EXCLUSIVE));
  show("another description", sys(flock, b, EXCLUSIVE | NONBLOCK));
  long dup = must(sys(dup, a));
  show("a duplicate has it too", sys(flock, dup, EXCLUSIVE | NONBLOCK));
  show("down to shared", sys(flock, a, SHARED));
  show("shared twice", sys(flock, b, SHARED | NONBLOCK));
  show("up again while shared", sys(flock, a, EXCLUSIVE | NONBLOCK));
  show("unlock", sys(flock, b, UNLOCK));
  show("bad operation", sys(flock, a, 0));
  show("bad descriptor", sys(flock, 77, SHARED));
  must(sys(flock, a, EXCLUSIVE));
  int tried[2];
  char c;
  must(sys(pipe2, tried, 0));
  long pid = must(fork());
  if (pid == 0) {
    long own = must(openat("f", O_RDWR, 0));
    sys(close, a), sys(close, dup);
    if (sys(flock, own, EXCLUSIVE | NONBLOCK) != -EAGAIN) quit(1);
    must(sys(write, tried[1], "x", 1));
    must(sys(flock, own, EXCLUSIVE)); /* until the parent lets go */
    quit(0);
  }
  must(sys(read, tried[0], &c, 1));
  sleep_ms(20);
  must(sys(flock, a, UNLOCK));
  show_wait("child got it", pid);
  show("and gave it back by exiting", sys(flock, a, EXCLUSIVE | NONBLOCK));
  return 0;
}
