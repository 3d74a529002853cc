// Fast Fourier transforms of 1,024 complex points there and back, in double and in single precision.
#define ROUNDED
#include "workload.h"
#include <math.h>
#define N 1024

#define TRANSFORM(NAME, TYPE)                                                                   \
  struct NAME##_point {                                                                         \
    TYPE re, im;                                                                                \
  };                                                                                            \
  static struct NAME##_point NAME##_data[N], NAME##_roots[N / 2];                               \
  static NOINLINE void NAME(struct NAME##_point *data, TYPE sign) {                             \
    for (u32 i = 1, j = 0; i < N; i++) {                                                        \
      u32 bit = N >> 1;                                                                         \
      for (; j & bit; bit >>= 1) j ^= bit;                                                      \
      j ^= bit;                                                                                 \
      if (i < j) {                                                                              \
        struct NAME##_point swap = data[i];                                                     \
        data[i] = data[j];                                                                      \
        data[j] = swap;                                                                         \
      }                                                                                         \
    }                                                                                           \
    for (u32 half = 1; half < N; half *= 2)                                                     \
      for (u32 from = 0; from < N; from += 2 * half)                                            \
        for (u32 k = 0; k < half; k++) {                                                        \
          struct NAME##_point *a = &data[from + k], *b = a + half, root = NAME##_roots[k * (N / 2 / half)]; \
          TYPE im = sign * root.im, re = b->re * root.re - b->im * im;                          \
          im = b->re * im + b->im * root.re;                                                    \
          b->re = a->re - re, b->im = a->im - im;                                               \
          a->re += re, a->im += im;                                                             \
        }                                                                                       \
  }

TRANSFORM(fft_double, double)
TRANSFORM(fft_float, float)

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  double power = 0, power_float = 0;
  for (int i = 0; i < N / 2; i++) {
    double angle = -2 * 3.14159265358979323846 * i / N;
    fft_double_roots[i] = (struct fft_double_point){cos(angle), sin(angle)};
    fft_float_roots[i] = (struct fft_float_point){(float)cos(angle), (float)sin(angle)};
  }
  for (int i = 0; i < N; i++) {
    double re = (double)(random64() >> 40) / (1 << 24), im = (double)(random64() >> 40) / (1 << 24);
    fft_double_data[i] = (struct fft_double_point){re, im};
    fft_float_data[i] = (struct fft_float_point){(float)re, (float)im};
  }
  for (u64 round = 0; round < rounds; round++) {
    fft_double(fft_double_data, 1);
    fft_float(fft_float_data, 1);
    fft_double(fft_double_data, -1);
    fft_float(fft_float_data, -1);
    for (int i = 0; i < N; i++) {
      fft_double_data[i].re /= N, fft_double_data[i].im /= N;
      fft_float_data[i].re /= N, fft_float_data[i].im /= N;
    }
  }
  for (int i = 0; i < N; i++) {
    power += fft_double_data[i].re * fft_double_data[i].re + fft_double_data[i].im * fft_double_data[i].im;
    power_float += (double)fft_float_data[i].re + (double)fft_float_data[i].im;
    sum = fold(sum, bits_of(fft_double_data[i].re) ^ bits_of((double)fft_float_data[i].im));
  }
  rounded("power", power);
  // Single precision keeps only a few digits through many rounds.
  printf("mean %.2f\n", power_float / N);
  return sum;
}
