/* Illegal instructions, breakpoints, odd jumps; and what is no fault: division by zero, misaligned accesses. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  uintptr_t at;
  PROBE(".option push\n .option norvc\n la t1, 2f\n 2: .word 0\n .option pop", 0, 0);
  say("all zeros: signal %d code %d\n", probe.signal, probe.code);
  PROBE(".word 0xffffffff", 0, 0);
  say("all ones: signal %d code %d\n", probe.signal, probe.code);
  PROBE("csrr t2, sstatus", 0, 0);
  say("a supervisor's register: signal %d code %d\n", probe.signal, probe.code);
  PROBE("sret", 0, 0);
  say("a supervisor's instruction: signal %d code %d\n", probe.signal, probe.code);
  PROBE("csrw cycle, t2", 0, 0);
  say("write a read-only register: signal %d code %d\n", probe.signal, probe.code);
  __asm__ volatile("la %0, 3f\n 3:" : "=r"(at));
  PROBE("ebreak", 0, 0);
  say("ebreak: signal %d code %d\n", probe.signal, probe.code);
  PROBE("jalr t0, t1", 0, 0);
  say("jump to 0: signal %d code %d address %lx\n", probe.signal, probe.code, probe.address);

  volatile long a = 17, zero = 0, least = (long)(1UL << 63), minus = -1;
  long quotient, remainder;
  __asm__("div %0, %1, %2" : "=r"(quotient) : "r"(a), "r"(zero));
  __asm__("rem %0, %1, %2" : "=r"(remainder) : "r"(a), "r"(zero));
  say("17 / 0 = %ld, 17 %% 0 = %ld\n", quotient, remainder);
  __asm__("div %0, %1, %2" : "=r"(quotient) : "r"(least), "r"(minus));
  __asm__("rem %0, %1, %2" : "=r"(remainder) : "r"(least), "r"(minus));
  say("least / -1 is least %d, remainder %ld\n", quotient == least, remainder);
  volatile double x = 1.0, y = 0.0;
  unsigned long flags, bits;
  __asm__ volatile("fsflagsi 0\n fdiv.d ft0, %2, %3\n fmv.x.d %0, ft0\n frflags %1" : "=r"(bits), "=r"(flags) : "f"(x), "f"(y) : "ft0");
  say("1.0 / 0.0 = %lx, flags %lx, no signal\n", bits, flags);

  static unsigned char bytes[64];
  for (int i = 0; i < 64; i++) bytes[i] = (unsigned char)i;
  say("misaligned loads %lx", PROBE("ld t2, 0(t1)", bytes + 3, 0));
  say(" %lx", PROBE("lw t2, 0(t1)", bytes + 5, 0));
  say(" %lx\n", PROBE("lh t2, 0(t1)", bytes + 7, 0));
  PROBE("sd t2, 0(t1)", bytes + 17, 0x1122334455667788);
  say("misaligned store %02x %02x %02x %02x\n", bytes[16], bytes[17], bytes[24], bytes[25]);
  return 0;
}
