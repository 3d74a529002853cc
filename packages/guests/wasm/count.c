/* Counts bytes, words and lines of standard input, like wc; a consumer for pipelines. */
#include "guest.h"

static char buffer[1000];

void _start(void) {
  unsigned bytes = 0, words = 0, lines = 0, in_word = 0;
  for (;;) {
    struct part parts[2] = {{buffer, 300}, {buffer + 300, 700}};
    size_t n = 0;
    must(fd_read(0, parts, 2, &n));
    if (n == 0) break;
    for (size_t i = 0; i < n; i++) {
      unsigned space = buffer[i] == ' ' || buffer[i] == '\n' || buffer[i] == '\t';
      lines += buffer[i] == '\n';
      words += !space && !in_word;
      in_word = !space;
    }
    bytes += (unsigned)n;
  }
  say("%u %u %u\n", lines, words, bytes);
}
