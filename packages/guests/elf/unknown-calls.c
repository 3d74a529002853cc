/* Calls that do not exist answer ENOSYS, and nothing else happens. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  long numbers[] = {1000, 9999, 0x7fffffff, -1, -9999, 300, 500, 1L << 32, 244};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    say("%ld ", numbers[i]);
    show("answers", sys6(numbers[i], 1, 2, 3, 4, 5, 6));
  }
  return 0;
}
