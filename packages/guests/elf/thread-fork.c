/* fork in a program with threads copies only the caller. */
#include "guest.h"
#include "thread.h"

static volatile int ticks, stop, forked;

static void ticking(void *argument) {
  (void)argument;
  while (!stop) ticks++, sys(sched_yield);
}
static void forks(void *argument) {
  (void)argument;
  long pid = must(fork());
  if (pid == 0) {
    int before = ticks;
    sleep_ms(10);
    quit(ticks == before && getpid() == sys(gettid) ? 12 : 13);
  }
  show_wait("child of a thread", pid);
  forked = 1;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  static struct thread threads[2];
  thread_start(&threads[0], ticking, NULL, 0);
  while (ticks == 0) sys(sched_yield);
  thread_start(&threads[1], forks, NULL, 0);
  thread_join(&threads[1]);
  long pid = must(fork());
  if (pid == 0) {
    int before = ticks;
    sleep_ms(10);
    quit(ticks == before ? 14 : 15);
  }
  show_wait("child of the leader", pid);
  stop = 1;
  thread_join(&threads[0]);
  say("forked %d\n", forked);
  return 0;
}
