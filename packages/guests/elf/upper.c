/* A filter: standard input to standard output, ASCII letters made capitals. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  static char buffer[4096];
  long n;
  while ((n = sys(read, 0, buffer, sizeof buffer)) > 0) {
    for (long i = 0; i < n; i++) {
      if (buffer[i] >= 'a' && buffer[i] <= 'z') buffer[i] -= 32;
    }
    for (long at = 0; at < n;) at += must(sys(write, 1, buffer + at, n - at));
  }
  return n < 0 ? 1 : 0;
}
