/* lines N: prints N numbered lines; a producer for pipelines. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)envp;
  long n = argc > 1 ? number(argv[1]) : 10;
  for (long i = 1; i <= n; i++) say("line %ld of %ld: the quick brown fox\n", i, n);
  return 0;
}
