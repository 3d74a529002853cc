/* exit ends one thread, exit_group all; the leader may go first. */
#include "guest.h"
#include "thread.h"

static volatile int stage;

static void ends_all(void *argument) {
  (void)argument;
  stage = 1;
  sys(exit_group, 23);
}
static void outlives(void *argument) {
  (void)argument;
  while (stage == 0) sys(sched_yield);
  sleep_ms(10);
  say("the leader is gone, this thread goes on\n");
  sys(exit_group, 24);
}
static void sleeps(void *argument) {
  (void)argument;
  for (;;) sleep_ms(10000);
}

static struct thread threads[3];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  long pid = must(fork());
  if (pid == 0) {
    thread_start(&threads[0], sleeps, NULL, 0);
    thread_start(&threads[1], ends_all, NULL, 0);
    for (;;) sleep_ms(10000);
  }
  show_wait("exit_group in a thread", pid);
  pid = must(fork());
  if (pid == 0) {
    thread_start(&threads[0], outlives, NULL, 0);
    stage = 1;
    for (;;) sys(exit, 5);
  }
  show_wait("the last thread's exit_group", pid);
  pid = must(fork());
  if (pid == 0) {
    thread_start(&threads[0], sleeps, NULL, 0);
    sys(kill, getpid(), SIGKILL);
  }
  show_wait("killed with its threads", pid);
  pid = must(fork());
  if (pid == 0) {
    thread_start(&threads[0], sleeps, NULL, 0);
    return 6; /* main's return is exit_group */
  }
  show_wait("main returns", pid);
  return 0;
}
