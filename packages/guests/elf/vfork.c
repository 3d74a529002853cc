/* CLONE_VM | CLONE_VFORK: the parent waits until the child has executed or ended, and sees its memory. */
#include "guest.h"

static volatile int seen;

static void in_child(char **argv, int mode) {
  seen = mode + 1;
  if (mode == 1) {
    char *arguments[] = {argv[0], "child", NULL}, *environment[] = {NULL};
    sys(execve, argv[0], arguments, environment);
  }
  quit(7);
}

int main(int argc, char **argv, char **envp) {
  (void)envp;
  if (argc > 1) {
    say("executed: %s, own memory %d\n", argv[1], seen);
    return 3;
  }
  static char stack[8192] __attribute__((aligned(16)));
  for (int mode = 0; mode < 2; mode++) {
    seen = 0;
    /* A stack of its own, so that the child may not spoil this frame while it shares the memory. */
    register long a0 __asm__("a0") = CLONE_VM | CLONE_VFORK | SIGCHLD;
    register long a1 __asm__("a1") = (long)(stack + sizeof stack), a2 __asm__("a2") = 0, a3 __asm__("a3") = 0, a4 __asm__("a4") = 0;
    register long a5 __asm__("a5") = (long)argv, a6 __asm__("a6") = mode, a7 __asm__("a7") = __NR_clone;
    __asm__ volatile("ecall\n bnez a0, 1f\n mv a0, a5\n mv a1, a6\n jalr %6\n1:"
                     : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(in_child), "r"(a6), "r"(a7) : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    long pid = must(a0);
    int at_once = seen;
    show_wait("child", pid); /* before printing: an executed child and its parent run side by side */
    say("the parent went on and saw %d\n", at_once);
  }
  return 0;
}
