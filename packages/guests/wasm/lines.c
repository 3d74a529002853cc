/* lines N: prints N numbered lines; a producer for pipelines. */
#include "guest.h"

static char *argv[16], bytes[1024];

void _start(void) {
  size_t count, size;
  must(args_sizes_get(&count, &size));
  must(args_get(argv, bytes));
  int n = count > 1 ? (int)number(argv[1]) : 10;
  for (int i = 1; i <= n; i++) say("line %d of %d: the quick brown fox\n", i, n);
}
