/* What is not a terminal says so. */
#include "guest.h"
#include <asm/ioctls.h>

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  char buffer[64];
  int p[2], available = -1;
  must(sys(pipe2, p, 0));
  put_file("f", "hello");
  long f = must(openat("f", O_RDONLY, 0)), null = must(openat("/dev/null", O_RDWR, 0));
  show("TCGETS of a pipe", sys(ioctl, p[0], TCGETS, buffer));
  show("TCGETS of a file", sys(ioctl, f, TCGETS, buffer));
  show("TCGETS of /dev/null", sys(ioctl, null, TCGETS, buffer));
  show("TCGETS of stdout", sys(ioctl, 1, TCGETS, buffer));
  show("TIOCGWINSZ of a pipe", sys(ioctl, p[0], TIOCGWINSZ, buffer));
  show("TIOCGPGRP of a file", sys(ioctl, f, TIOCGPGRP, buffer));
  show("TCGETS of a closed descriptor", sys(ioctl, 77, TCGETS, buffer));
  show("an unknown request", sys(ioctl, f, 0x12345678, buffer));
  must(sys(write, p[1], "abc", 3));
  show("FIONREAD of a pipe", sys(ioctl, p[0], FIONREAD, &available));
  say("%d\n", available);
  must(sys(read, f, buffer, 2));
  show("FIONREAD of a file", sys(ioctl, f, FIONREAD, &available));
  say("%d\n", available);
  int on = 1;
  show("FIONBIO", sys(ioctl, p[0], FIONBIO, &on));
  show("O_NONBLOCK is set", (sys(fcntl, p[0], F_GETFL) & O_NONBLOCK) != 0);
  show("FIOCLEX", sys(ioctl, p[0], FIOCLEX));
  show("FD_CLOEXEC is set", sys(fcntl, p[0], F_GETFD));
  return 0;
}
