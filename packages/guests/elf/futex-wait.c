/* What futex answers: changed values, timeouts, how many were woken, requeueing, bit sets. */
#include "guest.h"
#include "thread.h"

static volatile int word, other, asleep, awake;

static void waiter(void *argument) {
  __sync_fetch_and_add(&asleep, 1);
  if (argument) sys(futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, argument);
  else futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL);
  __sync_fetch_and_add(&awake, 1);
}

static struct thread threads[4];

/* Starts waiters and wakes nobody, until all of them sleep: requeueing onto itself counts sleepers without waking any. */
static void start(int count, const unsigned *sets) {
  asleep = awake = 0;
  for (int i = 0; i < count; i++) thread_start(&threads[i], waiter, sets ? (void *)(unsigned long)sets[i] : NULL, 0);
  while (asleep < count) sys(sched_yield);
  while (sys(futex, &word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, count + 1, &word, 0) < count) sys(sched_yield);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct timespec ms20 = {0, 20000000}, bad = {0, 1000000000}, zero = {0, 0};
  show("value changed", futex(&word, FUTEX_WAIT, 1, NULL));
  int64_t before = now_ns(CLOCK_MONOTONIC);
  show("timeout", futex(&word, FUTEX_WAIT, 0, &ms20));
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) - before >= 20000000);
  show("timeout zero", futex(&word, FUTEX_WAIT, 0, &zero));
  show("bad timeout", futex(&word, FUTEX_WAIT, 0, &bad));
  show("wake nobody", futex(&word, FUTEX_WAKE, 10, NULL));
  show("unknown operation", futex(&word, 99, 0, NULL));
  int64_t until = now_ns(CLOCK_MONOTONIC) + 20000000;
  struct timespec absolute = {until / 1000000000, until % 1000000000};
  show("absolute timeout", sys(futex, &word, FUTEX_WAIT_BITSET, 0, &absolute, NULL, -1));
  say("not early %d\n", now_ns(CLOCK_MONOTONIC) >= until);
  show("absolute timeout in the past", sys(futex, &word, FUTEX_WAIT_BITSET, 0, &ms20, NULL, -1));
  show("empty bit set", sys(futex, &word, FUTEX_WAIT_BITSET, 0, &absolute, NULL, 0));

  start(4, NULL);
  show("wake one", futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL));
  show("wake two", futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 2, NULL));
  show("wake the rest", futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL));
  for (int i = 0; i < 4; i++) thread_join(&threads[i]);
  say("awake %d\n", awake);

  start(4, NULL);
  show("requeue: wake one, move two", sys(futex, &word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, &other, 0));
  show("requeue with the wrong value", sys(futex, &word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, &other, 5));
  show("at the first", futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL));
  show("at the other", futex(&other, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL));
  for (int i = 0; i < 4; i++) thread_join(&threads[i]);

  unsigned sets[3] = {1, 2, 6};
  start(3, sets);
  show("bits 1", sys(futex, &word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 1));
  show("bits 4", sys(futex, &word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 4));
  show("any bits", sys(futex, &word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, -1));
  for (int i = 0; i < 3; i++) thread_join(&threads[i]);
  return 0;
}
