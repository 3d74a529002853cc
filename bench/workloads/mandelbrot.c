// The Mandelbrot set, in double and in single precision. Built without fusing multiplications and additions: equal everywhere.
#include "workload.h"
#define SIDE 48

static NOINLINE u32 escape_double(double cx, double cy, u32 limit) {
  double x = 0, y = 0;
  for (u32 i = 0; i < limit; i++) {
    double xx = x * x, yy = y * y;
    if (xx + yy > 4.0) return i;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
  }
  return limit;
}

static NOINLINE u32 escape_float(float cx, float cy, u32 limit) {
  float x = 0, y = 0;
  for (u32 i = 0; i < limit; i++) {
    float xx = x * x, yy = y * y;
    if (xx + yy > 4.0f) return i;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
  }
  return limit;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  double shift = (double)(random64() >> 44) / (1 << 24);
  for (u64 round = 0; round < rounds; round++)
    for (int j = 0; j < SIDE; j++)
      for (int i = 0; i < SIDE; i++) {
        double x = -2.1 + 2.8 * i / SIDE + shift / 16, y = -1.3 + 2.6 * j / SIDE + (double)round / 4096;
        sum = fold(sum, escape_double(x, y, 200) * 256 + escape_float((float)x, (float)y, 200));
      }
  return sum;
}
