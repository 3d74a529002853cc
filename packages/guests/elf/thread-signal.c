/* Signals and threads: directed ones reach their thread, the process's any that does not block it. */
#include "guest.h"
#include "thread.h"

static volatile long handled_by, target, ready, finish, preempted;

static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info, (void)context;
  handled_by = sys(gettid);
}
static void spin_handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info, (void)context;
  preempted++;
}
static void blocks(void *argument) {
  (void)argument;
  target = sys(gettid);
  ready = 1;
  while (!finish) sleep_ms(1);
}
static void spins(void *argument) {
  (void)argument;
  target = sys(gettid);
  ready = 1;
  while (preempted < 3) {} /* no system call: only a signal gets it out */
}

static struct thread thread;

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  must(on_signal(SIGUSR1, handler, SA_RESTART));
  must(on_signal(SIGURG, spin_handler, SA_RESTART));
  thread_start(&thread, blocks, NULL, 0);
  while (!ready) sys(sched_yield);
  show("tgkill", sys(tgkill, getpid(), target, SIGUSR1));
  while (!handled_by) sys(sched_yield);
  say("handled by that thread %d\n", handled_by == target);
  handled_by = 0;
  show("tgkill to the leader", sys(tgkill, getpid(), getpid(), SIGUSR1));
  say("handled by the leader %d\n", handled_by == getpid());
  must(signal_mask(SIG_BLOCK, SIGNAL_BIT(SIGUSR1), NULL));
  handled_by = 0;
  show("kill, with the leader blocking", sys(kill, getpid(), SIGUSR1));
  while (!handled_by) sys(sched_yield);
  say("handled by the other thread %d\n", handled_by == target);
  show("tgkill of the wrong group", sys(tgkill, 1, target, 0));
  finish = 1;
  thread_join(&thread);

  ready = 0;
  thread_start(&thread, spins, NULL, 0);
  while (!ready) sys(sched_yield);
  for (int i = 1; i <= 3; i++) {
    must(sys(tgkill, getpid(), target, SIGURG));
    while (preempted < i) sys(sched_yield);
  }
  thread_join(&thread);
  say("a spinning thread was interrupted %ld times\n", preempted);
  return 0;
}
