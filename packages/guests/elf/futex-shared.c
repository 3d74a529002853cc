/* A futex in shared memory between two processes. */
#include "guest.h"
#include "thread.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  volatile int *turn = (int *)must(sys(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  long pid = must(fork());
  int mine = pid != 0, rounds = 0;
  while (rounds < 200) {
    int seen = *turn;
    if ((seen & 1) != mine) {
      futex(turn, FUTEX_WAIT, seen, NULL);
      continue;
    }
    rounds++;
    *turn = seen + 1;
    futex(turn, FUTEX_WAKE, 1, NULL);
  }
  if (pid == 0) quit(0);
  show_wait("child", pid);
  say("turns %d\n", *turn);
  return 0;
}
