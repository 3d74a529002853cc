/* poll_oneoff: several clocks, and descriptors that are ready. */
#include "guest.h"

void _start(void) {
  struct event events[4];
  size_t n = 0;
  struct subscription two[2] = {
    {.userdata = 1, .tag = 0, .clock = {CLOCK_MONOTONIC, 10000000000ull, 1, 0}},
    {.userdata = 2, .tag = 0, .clock = {CLOCK_MONOTONIC, 5000000, 1, 0}},
  };
  show("two clocks", poll_oneoff(two, events, 2, &n));
  say("events %u, the earlier one %u\n", (unsigned)n, (unsigned)events[0].userdata);
  struct subscription ready[2] = {
    {.userdata = 3, .tag = 2, .fd = 1},
    {.userdata = 4, .tag = 0, .clock = {CLOCK_MONOTONIC, 10000000000ull, 1, 0}},
  };
  show("standard output and a clock", poll_oneoff(ready, events, 2, &n));
  say("events %u, userdata %u type %d error %d\n", (unsigned)n, (unsigned)events[0].userdata, events[0].type, events[0].error);
  show("no subscription", poll_oneoff(two, events, 0, &n));
}
