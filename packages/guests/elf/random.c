/* getrandom fills what it is asked to, differently each time. */
#include "guest.h"

static unsigned char a[4096], b[4096];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  show("256 bytes", sys(getrandom, a, 256, 0));
  show("4096 bytes", sys(getrandom, b, 4096, 1));
  show("4096 bytes", sys(getrandom, a, 4096, 0));
  int bits = 0, equal = 0;
  for (int i = 0; i < 4096; i++) {
    for (int k = 0; k < 8; k++) bits += a[i] >> k & 1;
    equal += a[i] == b[i];
  }
  say("half of the bits %d, other than before %d\n", bits > 15384 && bits < 17384, equal < 200);
  show("nothing", sys(getrandom, a, 0, 0));
  show("unknown flags", sys(getrandom, a, 16, 0x100));
  show("to nowhere", sys(getrandom, 8, 16, 0));
  return 0;
}
