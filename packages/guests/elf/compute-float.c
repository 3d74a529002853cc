/* A floating-point mix: double and single, all rounding modes, special values, conversions, comparisons, flags. */
#include "guest.h"

static uint64_t bits_of(double x) {
  uint64_t bits;
  __asm__("fmv.x.d %0, %1" : "=r"(bits) : "f"(x));
  return bits;
}
static double double_of(uint64_t bits) {
  double x;
  __asm__("fmv.d.x %0, %1" : "=f"(x) : "r"(bits));
  return x;
}
static uint64_t fold(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x100000001b3; }

static double sine(double x) {
  double term = x, sum = x;
  for (int i = 1; i < 12; i++) term *= -x * x / (2 * i * (2 * i + 1)), sum += term;
  return sum;
}

static uint64_t smooth(void) {
  uint64_t sum = 0;
  double x = 0.1, y = 1.5;
  float f = 0.25f;
  for (int i = 0; i < 3000; i++) {
    x = 3.9 * x * (1.0 - x);
    y = sine(x) + y / 3.0;
    double root;
    __asm__("fsqrt.d %0, %1" : "=f"(root) : "f"(y * y + x));
    f = f * 0.75f + (float)root / 7.0f;
    sum = fold(sum, bits_of(root) ^ bits_of((double)f));
  }
  return sum;
}

static const uint64_t specials[] = {0, 1UL << 63, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
  0x7ff0000000000001, 1, 0x000fffffffffffff, 0x7fefffffffffffff, 0x41dfffffffe00000, 0xc3e0000000000000, 0x3ca0000000000000, 0x4340000000000001, 0x36a0000000000000};

#define BINARY(operation) ({ __asm__ volatile("fsflagsi 0\n " operation " %0, %2, %3\n frflags %1" : "=f"(r), "=r"(flags) : "f"(a), "f"(b)); sum = fold(fold(sum, bits_of(r)), flags); })
#define TO_INTEGER(operation) ({ __asm__ volatile("fsflagsi 0\n " operation " %0, %2\n frflags %1" : "=r"(n), "=r"(flags) : "f"(a)); sum = fold(fold(sum, n), flags); })
#define COMPARE(operation) ({ __asm__ volatile("fsflagsi 0\n " operation " %0, %2, %3\n frflags %1" : "=r"(n), "=r"(flags) : "f"(a), "f"(b)); sum = fold(sum, n << 8 | flags); })

static uint64_t edge_cases(int mode) {
  uint64_t sum = 0, flags, n;
  __asm__ volatile("fsrm %0" ::"r"(mode));
  for (unsigned i = 0; i < 16; i++) {
    double a = double_of(specials[i]), r;
    for (unsigned k = 0; k < 16; k++) {
      double b = double_of(specials[k]);
      BINARY("fadd.d");
      BINARY("fsub.d");
      BINARY("fmul.d");
      BINARY("fdiv.d");
      BINARY("fmin.d");
      BINARY("fmax.d");
      BINARY("fsgnjn.d");
      __asm__ volatile("fsflagsi 0\n fmadd.d %0, %2, %3, %3\n frflags %1" : "=f"(r), "=r"(flags) : "f"(a), "f"(b));
      sum = fold(fold(sum, bits_of(r)), flags);
      COMPARE("feq.d");
      COMPARE("flt.d");
      COMPARE("fle.d");
    }
    TO_INTEGER("fcvt.w.d");
    TO_INTEGER("fcvt.wu.d");
    TO_INTEGER("fcvt.l.d");
    TO_INTEGER("fcvt.lu.d");
    TO_INTEGER("fclass.d");
    __asm__ volatile("fsflagsi 0\n fcvt.s.d ft0, %2\n fmv.x.d %0, ft0\n frflags %1" : "=r"(n), "=r"(flags) : "f"(a) : "ft0"); /* NaN-boxed */
    sum = fold(fold(sum, n), flags);
    __asm__ volatile("fsflagsi 0\n fcvt.s.d ft0, %2\n fadd.s ft0, ft0, ft0\n fsqrt.s ft0, ft0\n fmv.x.w %0, ft0\n frflags %1" : "=r"(n), "=r"(flags) : "f"(a) : "ft0");
    sum = fold(fold(sum, n), flags);
    __asm__ volatile("fsflagsi 0\n fadd.s ft0, %2, %2\n fmv.x.d %0, ft0\n frflags %1" : "=r"(n), "=r"(flags) : "f"(a) : "ft0"); /* not a boxed single */
    sum = fold(fold(sum, n), flags);
  }
  __asm__ volatile("fsrmi 0\n fsflagsi 0");
  return sum;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  say("smooth %lx\n", smooth());
  static const char *const names[] = {"nearest, ties to even", "towards zero", "down", "up", "nearest, ties away"};
  for (int mode = 0; mode < 5; mode++) say("%s %lx\n", names[mode], edge_cases(mode));
  return 0;
}
