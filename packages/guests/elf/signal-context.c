/* A handler interrupts a loop that keeps values in every integer and floating-point register: all survive, and so does fcsr. */
#include "guest.h"

static volatile int calls;
static volatile double sink;

static void handler(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info, (void)context;
  double x = 1.0;
  for (int i = 0; i < 50; i++) x = x * 1.5 + i; /* clobbers registers and flags */
  sink = x;
  __asm__ volatile("fsrmi 2\n li t0, -1\n li t1, -1\n li t2, -1\n li t3, -1\n li t4, -1\n li t5, -1\n li t6, -1\n"
                   "fcvt.d.w ft0, zero\n fcvt.d.w ft8, zero\n fcvt.d.w fa0, zero\n fcvt.d.w ft11, zero" ::
                       : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ft0", "ft8", "fa0", "ft11");
  calls++;
}

struct result { unsigned long integers, floats, fcsr, pid; };

/* Loads known values into temporaries, saved and FP registers, sends itself the signal, and sums them up again. */
__attribute__((noinline)) static void across(struct result *at) {
  register struct result *result __asm__("s1") = at;
  __asm__ volatile(
      "fsrmi 3\n fsflagsi 5\n"
      "li t0, 0x101\n li t1, 0x202\n li t2, 0x303\n li t3, 0x404\n li t4, 0x505\n li t5, 0x606\n li t6, 0x707\n"
      "li s2, 0x11\n li s3, 0x22\n li s4, 0x33\n li s5, 0x44\n li s6, 0x55\n"
      "li s7, 0x66\n li s8, 0x77\n li s9, 0x88\n li s10, 0x99\n li s11, 0xaa\n"
      "li a2, 0x1000\n li a3, 0x2000\n li a4, 0x3000\n li a5, 0x4000\n li a6, 0x5000\n"
      "fmv.d.x ft0, t0\n fmv.d.x ft8, t1\n fmv.d.x fa0, t2\n fmv.d.x ft11, t3\n fmv.d.x fs0, t4\n fmv.d.x fs11, t5\n"
      "ld a0, 24(s1)\n li a1, 10\n li a7, 129\n ecall\n" /* kill(pid, SIGUSR1) */
      "add a0, a0, t0\n add a0, a0, t1\n add a0, a0, t2\n add a0, a0, t3\n add a0, a0, t4\n add a0, a0, t5\n add a0, a0, t6\n"
      "add a0, a0, s2\n add a0, a0, s3\n add a0, a0, s4\n add a0, a0, s5\n add a0, a0, s6\n"
      "add a0, a0, s7\n add a0, a0, s8\n add a0, a0, s9\n add a0, a0, s10\n add a0, a0, s11\n"
      "add a0, a0, a2\n add a0, a0, a3\n add a0, a0, a4\n add a0, a0, a5\n add a0, a0, a6\n add a0, a0, a1\n add a0, a0, a7\n"
      "sd a0, 0(s1)\n"
      "fmv.x.d t0, ft0\n fmv.x.d t1, ft8\n add t0, t0, t1\n fmv.x.d t1, fa0\n add t0, t0, t1\n fmv.x.d t1, ft11\n add t0, t0, t1\n"
      "fmv.x.d t1, fs0\n add t0, t0, t1\n fmv.x.d t1, fs11\n add t0, t0, t1\n sd t0, 8(s1)\n"
      "frcsr t0\n sd t0, 16(s1)\n fsrmi 0\n fsflagsi 0\n"
      : "+r"(result)
      :
      : "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "s2", "s3", "s4", "s5", "s6", "s7", "s8",
        "s9", "s10", "s11", "ft0", "ft8", "fa0", "ft11", "fs0", "fs11", "memory");
}

static void skip(int signal, siginfo_t *info, struct ucontext *context) {
  (void)signal, (void)info;
  context->uc_mcontext.sc_regs.pc += 4;
  context->uc_mcontext.sc_regs.a0 = 77;
  context->uc_sigmask.sig[0] |= SIGNAL_BIT(SIGUSR2);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct result result = {.pid = (unsigned long)getpid()};
  must(on_signal(SIGUSR1, handler, 0));
  across(&result);
  unsigned long integers = 0x101 * 28 + 0x11 * 55 + 0xf000 + 10 + 129;
  say("calls %d integer registers %d fp registers %d fcsr %lx\n", calls, result.integers == integers, result.floats == 0x101 * 21, result.fcsr);

  /* A handler changes what it returns to: the pc, a register and the mask. */
  must(on_signal(SIGILL, skip, 0));
  register long a0 __asm__("a0") = 1;
  __asm__ volatile(".option push\n .option norvc\n .word 0\n .option pop" : "+r"(a0));
  long skipped = a0;
  unsigned long mask;
  must(signal_mask(SIG_BLOCK, 0, &mask));
  say("skipped, a0 %ld, mask from the context %d\n", skipped, mask == SIGNAL_BIT(SIGUSR2));
  return 0;
}
