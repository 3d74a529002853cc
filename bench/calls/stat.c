// The attributes of a file by its path.
#include "call.h"
static const char *path;
static void prepare(const char *file) { path = file; }
static void calls(long count) {
  struct stat found;
  for (long n = 0; n < count; n++)
    if (stat(path, &found) != 0) fail(path);
}
static void finish(void) {}
