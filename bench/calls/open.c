// A file opened and closed.
#include "call.h"
static const char *path;
static void prepare(const char *file) { path = file; }
static void calls(long count) {
  for (long n = 0; n < count; n++) {
    int fd = open(path, O_RDONLY);
    if (fd < 0 || close(fd) != 0) fail(path);
  }
}
static void finish(void) {}
