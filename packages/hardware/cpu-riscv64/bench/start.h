// Freestanding programs: they write a number and exit.
static long call3(long n, long a, long b, long c) {
  register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

static unsigned long work(void);

void _start(void) {
  char out[17];
  unsigned long value = work();
  for (int i = 0; i < 16; i++) out[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
  out[16] = '\n';
  call3(64, 1, (long)out, 17);
  call3(93, 0, 0, 0);
}
