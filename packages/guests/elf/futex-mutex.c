/* Four threads count under a futex mutex. */
#include "guest.h"
#include "thread.h"

static volatile int mutex, plain;
static int atomic;

static void count(void *argument) {
  (void)argument;
  for (int i = 0; i < 5000; i++) {
    lock(&mutex);
    plain++;
    unlock(&mutex);
    __sync_fetch_and_add(&atomic, 1);
    if (i % 64 == 0) sys(sched_yield);
  }
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  static struct thread threads[4];
  for (int i = 0; i < 4; i++) thread_start(&threads[i], count, NULL, 0);
  for (int i = 0; i < 4; i++) thread_join(&threads[i]);
  say("under the lock %d, atomic %d\n", plain, atomic);
  return 0;
}
