/* Signals that arrive anywhere in a loop of integers and doubles: the handler sees each register as it is at the instruction, and all survive. */
#include "guest.h"

#define SIGNALS 150

extern char loop_begin[], loop_end[];
static volatile int seen, inside, wrong;

/* In the loop s2 … s9 and fs2 … fs9 grow by one in turn, so that the pc tells which of them are ahead of the last. */
static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info;
  unsigned long *x = (unsigned long *)&context->uc_mcontext;
  double *f = (double *)(x + 32);
  seen++;
  long at = (long)x[0] - (long)loop_begin;
  if (at < 0 || x[0] >= (unsigned long)loop_end) return;
  inside++;
  int step = (int)(at / 4);
  for (int i = 0; i < 8; i++) {
    if (x[18 + i] != x[25] + (step > i && step <= 7)) wrong++;
    double ahead = step > 8 + i && step <= 15;
    if (f[18 + i] != f[25] + ahead) wrong++;
  }
  /* What a handler does with registers is nobody's business. */
  __asm__ volatile("li s2, -1\n li s9, -2\n fcvt.d.l fs2, s2\n fmv.d fs9, fs2\n li t0, 7\n fsflags t0" ::: "s2", "s9", "fs2", "fs9", "t0");
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  must(on_signal(SIGUSR1, handler, 0));
  long parent = getpid();
  long pid = must(fork());
  if (pid == 0) {
    while (sys(kill, parent, SIGUSR1) == 0) sys(sched_yield);
    quit(0);
  }
  unsigned long rounds = 0, apart = 0;
  while (seen < SIGNALS || inside < SIGNALS / 2) {
    unsigned long first, last;
    double first_double, last_double;
    __asm__ volatile(
        ".option push\n.option norvc\n"
        "li s2, 0\n li s3, 0\n li s4, 0\n li s5, 0\n li s6, 0\n li s7, 0\n li s8, 0\n li s9, 0\n"
        "fmv.d.x fs2, x0\n fmv.d.x fs3, x0\n fmv.d.x fs4, x0\n fmv.d.x fs5, x0\n fmv.d.x fs6, x0\n fmv.d.x fs7, x0\n fmv.d.x fs8, x0\n fmv.d.x fs9, x0\n"
        "li t1, 1\n fcvt.d.l ft0, t1\n li t2, 5000\n"
        ".globl loop_begin\nloop_begin:\n"
        "addi s2, s2, 1\n addi s3, s3, 1\n addi s4, s4, 1\n addi s5, s5, 1\n"
        "addi s6, s6, 1\n addi s7, s7, 1\n addi s8, s8, 1\n addi s9, s9, 1\n"
        "fadd.d fs2, fs2, ft0\n fadd.d fs3, fs3, ft0\n fadd.d fs4, fs4, ft0\n fadd.d fs5, fs5, ft0\n"
        "fadd.d fs6, fs6, ft0\n fadd.d fs7, fs7, ft0\n fadd.d fs8, fs8, ft0\n fadd.d fs9, fs9, ft0\n"
        "addi t2, t2, -1\n bnez t2, loop_begin\n"
        ".globl loop_end\nloop_end:\n"
        "mv %0, s2\n mv %1, s9\n fmv.d %2, fs2\n fmv.d %3, fs9\n.option pop\n"
        : "=&r"(first), "=&r"(last), "=&f"(first_double), "=&f"(last_double)
        :
        : "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "t1", "t2", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "ft0");
    if (first != 5000 || last != 5000 || first_double != 5000 || last_double != 5000) apart++;
    rounds++;
  }
  must(sys(kill, pid, SIGKILL));
  int status;
  must(sys(wait4, pid, &status, 0, 0));
  say("registers wrong in a handler %d, rounds that ended wrong %d\n", wrong, (int)apart);
  return rounds == 0;
}
