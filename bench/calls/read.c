// 4 KiB of a file that was read before.
#include "call.h"
static int fd;
static char buffer[4096];
static void prepare(const char *file) {
  fd = open(file, O_RDONLY);
  if (fd < 0) fail(file);
}
static void calls(long count) {
  for (long n = 0; n < count; n++)
    if (pread(fd, buffer, sizeof buffer, 0) != sizeof buffer) fail("pread");
}
static void finish(void) { close(fd); }
