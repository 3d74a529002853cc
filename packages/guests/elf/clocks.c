/* Clocks: they move forward, agree with each other, and know their errors. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct timespec t;
  int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
  for (int i = 0; i < 8; i++) {
    long r = sys(clock_gettime, clocks[i], &t);
    say("clock %d: %ld, nanoseconds in range %d\n", clocks[i], r, t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
  }
  int64_t last = now_ns(CLOCK_MONOTONIC), back = 0;
  for (int i = 0; i < 1000; i++) {
    int64_t now = now_ns(CLOCK_MONOTONIC);
    back += now < last;
    last = now;
  }
  say("backward steps %ld\n", (long)back);
  int64_t monotonic = now_ns(CLOCK_MONOTONIC), wall = now_ns(CLOCK_REALTIME);
  sleep_ms(30);
  int64_t monotonic_took = now_ns(CLOCK_MONOTONIC) - monotonic, wall_took = now_ns(CLOCK_REALTIME) - wall;
  say("slept at least as long %d, both clocks saw it %d\n", monotonic_took >= 30000000, wall_took >= 29000000);
  say("the wall clock is this century's %d\n", wall > 946684800LL * 1000000000 && wall < 4102444800LL * 1000000000);
  struct { long seconds, microseconds; } tv;
  show("gettimeofday", sys(gettimeofday, &tv, NULL));
  say("agrees %d\n", tv.seconds - now_ns(CLOCK_REALTIME) / 1000000000 >= -1 && tv.seconds - now_ns(CLOCK_REALTIME) / 1000000000 <= 1);
  show("clock_getres", sys(clock_getres, CLOCK_MONOTONIC, &t));
  say("at most 10 ms %d\n", t.tv_sec == 0 && t.tv_nsec > 0 && t.tv_nsec <= 10000000);
  show("clock_getres without a place", sys(clock_getres, CLOCK_MONOTONIC, NULL));
  show("no such clock", sys(clock_gettime, 99, &t));
  struct { long user, system, children[2]; } times;
  show_ok("times", sys(times, &times));
  unsigned long cycles, ticks;
  __asm__ volatile("rdtime %0" : "=r"(ticks));
  sleep_ms(5);
  __asm__ volatile("rdtime %0" : "=r"(cycles));
  say("rdtime moves forward %d\n", cycles > ticks);
  return 0;
}
