// Floating point that misses every short cut: denormals, zeros of both signs, infinities, NaNs, overflow, and four rounding modes.
#include "workload.h"
#include <fenv.h>
#include <math.h>
#define COUNT 64
static double values[COUNT];
static float singles[COUNT];

// One number for all NaNs: which sign and payload a NaN gets differs between machines.
static u64 canonical(double value) { return value != value ? 0x7ff8000000000000u : bits_of(value); }

static NOINLINE u64 doubles(u64 sum) {
  for (int i = 0; i < COUNT; i++)
    for (int j = 0; j < COUNT; j += 5) {
      double a = values[i], b = values[(i + j) % COUNT], all[6] = {a + b, a - b, a * b, a / b, sqrt(a), (double)(float)a};
      for (int k = 0; k < 6; k++) sum = fold(sum, canonical(all[k]));
      sum += (u64)(a < b) + 2 * (u64)(a <= b) + 4 * (u64)(a == b);
    }
  return sum;
}

static NOINLINE u64 floats(u64 sum) {
  for (int i = 0; i < COUNT; i++)
    for (int j = 0; j < COUNT; j += 5) {
      float a = singles[i], b = singles[(i + j) % COUNT], all[5] = {a + b, a - b, a * b, a / b, sqrtf(a)};
      for (int k = 0; k < 5; k++) sum = fold(sum, canonical((double)all[k]));
    }
  return sum;
}

static double special(u64 pick) {
  static const double some[] = {0.0, -0.0, 0x1p-1074, -0x1.8p-1060, 0x1p-1022, 0x1.fffffffffffffp1023, INFINITY, -INFINITY};
  if (pick % 3 == 0) return some[pick >> 8 & 7];
  u64 bits = random64();
  // Small ones, whose products and quotients are denormal, or anything at all, NaNs among them.
  if (pick % 3 == 1) bits = (bits & 0x800fffffffffffffu) | (pick >> 16 & 63) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static u64 work(u64 rounds, u64 seed) {
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < COUNT; i++) {
      values[i] = special(random64());
      u32 bits = (u32)random64();
      if (i & 1) bits &= 0x80ffffff;
      memcpy(&singles[i], &bits, sizeof bits);
    }
    fesetround(modes[round & 3]);
    feclearexcept(FE_ALL_EXCEPT);
    sum = floats(doubles(sum));
    sum = fold(sum, (u64)(!!fetestexcept(FE_OVERFLOW) + 2 * !!fetestexcept(FE_UNDERFLOW) + 4 * !!fetestexcept(FE_INVALID)));
    fesetround(FE_TONEAREST);
  }
  return sum;
}
