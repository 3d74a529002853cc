// One byte to another process and back, through two pipes.
#include "call.h"
static int there[2], back[2];
static void prepare(const char *file) {
  (void)file;
  if (pipe(there) != 0 || pipe(back) != 0) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child > 0) return;
  close(there[1]);
  char byte;
  while (read(there[0], &byte, 1) == 1)
    if (write(back[1], &byte, 1) != 1) fail("write");
  _exit(0);
}
static void calls(long count) {
  char byte = 1;
  for (long n = 0; n < count; n++)
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) fail("ping");
}
static void finish(void) {
  close(there[1]);
  wait(NULL);
}
