// 4 KiB to a file that was written before.
#include "call.h"
static int fd;
static char buffer[4096];
static void prepare(const char *file) {
  (void)file;
  char path[] = "ashlar-bench-XXXXXX";
  fd = mkstemp(path);
  if (fd < 0) fail(path);
  unlink(path);
}
static void calls(long count) {
  for (long n = 0; n < count; n++)
    if (pwrite(fd, buffer, sizeof buffer, 0) != sizeof buffer) fail("pwrite");
}
static void finish(void) { close(fd); }
