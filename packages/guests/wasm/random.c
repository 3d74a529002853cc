/* random_get fills what it is asked to, differently each time. */
#include "guest.h"

static unsigned char a[4096], b[4096];

void _start(void) {
  show("4096 bytes", random_get(a, sizeof a));
  show("4096 bytes", random_get(b, sizeof b));
  int bits = 0, equal = 0;
  for (int i = 0; i < 4096; i++) {
    for (int k = 0; k < 8; k++) bits += a[i] >> k & 1;
    equal += a[i] == b[i];
  }
  say("half of the bits %d, other than before %d\n", bits > 15384 && bits < 17384, equal < 200);
  show("nothing", random_get(a, 0));
}
