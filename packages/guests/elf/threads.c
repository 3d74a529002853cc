/* clone as libraries make threads: shared memory and files, own stacks and thread pointers, join by futex. */
#include "guest.h"
#include "thread.h"

static int done[8];
static volatile long tids[8];

static void work(void *argument) {
  long i = (long)argument;
  tids[i] = sys(gettid);
  long tp;
  __asm__ volatile("mv %0, tp" : "=r"(tp));
  done[i] = getpid() != sys(gettid) && tp == 0x1000 + i;
}

static void opens(void *argument) { *(long *)argument = openat("f", O_RDONLY, 0); }

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  static struct thread threads[8];
  for (long i = 0; i < 8; i++) thread_start(&threads[i], work, (void *)i, 0x1000 + (unsigned long)i);
  for (int i = 0; i < 8; i++) thread_join(&threads[i]);
  int good = 0, different = 1;
  for (int i = 0; i < 8; i++) {
    good += done[i];
    for (int k = 0; k < i; k++) different &= tids[i] != tids[k];
  }
  say("threads %d, different tids %d\n", good, different);

  put_file("f", "shared");
  long fd = -1;
  thread_start(&threads[0], opens, &fd, 0);
  thread_join(&threads[0]);
  char c = 0;
  show("read a descriptor that a thread opened", sys(read, fd, &c, 1));
  say("'%c'\n", c);
  say("a thread is not a child: ");
  int status;
  show("wait", sys(wait4, -1, &status, 0, 0));
  show("exited thread", sys(tgkill, getpid(), tids[3], 0));
  return 0;
}
