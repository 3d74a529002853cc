/* The least program: one write, one exit. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  say("Hello, world\n");
  return 0;
}
