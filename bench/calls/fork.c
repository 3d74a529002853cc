// A child that ends at once, waited for.
#include "call.h"
static void prepare(const char *file) { (void)file; }
static void calls(long count) {
  for (long n = 0; n < count; n++) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) _exit(0);
    if (waitpid(child, NULL, 0) != child) fail("waitpid");
  }
}
static void finish(void) {}
