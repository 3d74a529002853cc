/* A filter: blocks on standard input, writes it to standard output with ASCII letters made capitals. */
#include "guest.h"

static char buffer[4096];

void _start(void) {
  for (;;) {
    struct part part = {buffer, sizeof buffer};
    size_t n = 0;
    must(fd_read(0, &part, 1, &n));
    if (n == 0) return;
    for (size_t i = 0; i < n; i++) {
      if (buffer[i] >= 'a' && buffer[i] <= 'z') buffer[i] -= 32;
    }
    write_all(1, buffer, n);
  }
}
