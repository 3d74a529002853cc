/* Arguments and environment. PWD is left out: a host may add it, as wasm programs have no working directory of their own. */
#include "guest.h"

static char bytes[4096];
static char *pointers[64];

void _start(void) {
  size_t count, size;
  must(args_sizes_get(&count, &size));
  must(args_get(pointers, bytes));
  say("argc %u\n", (unsigned)count);
  size_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += length(pointers[i]) + 1;
    if (i) say("argv[%u] \"%s\"\n", (unsigned)i, pointers[i]);
  }
  say("size agrees %d, one behind the other %d\n", sum == size, count < 2 || pointers[1] == pointers[0] + length(pointers[0]) + 1);
  must(environ_sizes_get(&count, &size));
  must(environ_get(pointers, bytes));
  for (size_t i = 0; i < count; i++) {
    if (memcmp(pointers[i], "PWD=", 4) != 0) say("env \"%s\"\n", pointers[i]);
  }
}
