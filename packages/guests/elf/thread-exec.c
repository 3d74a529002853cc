/* execve from a thread that is not the leader: the others end, the program keeps its pid. */
#include "guest.h"
#include "thread.h"

static char **arguments;
static char digits[24];

static void executes(void *argument) {
  (void)argument;
  char *next[] = {arguments[0], "second", digits, NULL}, *environment[] = {NULL};
  sys(execve, arguments[0], next, environment);
  quit(40);
}
static void sleeps(void *argument) {
  (void)argument;
  for (;;) sleep_ms(10000);
}

int main(int argc, char **argv, char **envp) {
  (void)envp;
  if (argc > 1) {
    say("executed, same pid %d, one thread %d\n", number(argv[2]) == getpid(), getpid() == sys(gettid));
    return 8;
  }
  arguments = argv;
  int n = 0;
  char reversed[24];
  for (long pid = getpid(); pid; pid /= 10) reversed[n++] = (char)('0' + pid % 10);
  for (int i = 0; i < n; i++) digits[i] = reversed[n - 1 - i];
  static struct thread threads[2];
  thread_start(&threads[0], sleeps, NULL, 0);
  thread_start(&threads[1], executes, NULL, 0);
  sleeps(NULL);
  return 1;
}
