/* Clocks move forward; a subscription to one waits at least as long. */
#include "guest.h"

static uint64_t now(int clock) {
  uint64_t time;
  must(clock_time_get(clock, 1, &time));
  return time;
}

void _start(void) {
  uint64_t resolution = 0, last = now(CLOCK_MONOTONIC), back = 0;
  show("monotonic resolution", clock_res_get(CLOCK_MONOTONIC, &resolution));
  say("above zero, at most a second %d\n", resolution > 0 && resolution <= 1000000000);
  show("wall resolution", clock_res_get(CLOCK_REALTIME, &resolution));
  for (int i = 0; i < 1000; i++) {
    uint64_t time = now(CLOCK_MONOTONIC);
    back += time < last;
    last = time;
  }
  say("backward steps %u\n", (unsigned)back);
  uint64_t wall = now(CLOCK_REALTIME);
  say("this century %d\n", wall > 946684800ull * 1000000000 && wall < 4102444800ull * 1000000000);
  show("no such clock", clock_time_get(99, 1, &wall));

  struct subscription sleep = {.userdata = 77, .tag = 0, .clock = {CLOCK_MONOTONIC, 20000000, 1, 0}};
  struct event event;
  size_t n = 0;
  last = now(CLOCK_MONOTONIC);
  show("sleep", poll_oneoff(&sleep, &event, 1, &n));
  say("events %u userdata %u error %d type %d, not early %d\n", (unsigned)n, (unsigned)event.userdata, event.error, event.type, now(CLOCK_MONOTONIC) - last >= 20000000);
  show("yield", sched_yield());
}
