// Integer matrices, 32 and 64 bits, multiplied the plain way.
#include "workload.h"
#define N 96
static i32 a[N][N], b[N][N], c[N][N];
static i64 d[N][N], e[N][N], f[N][N];

static NOINLINE void multiply32(void) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      i32 sum = 0;
      for (int k = 0; k < N; k++) sum = (i32)((u32)sum + (u32)a[i][k] * (u32)b[k][j]);
      c[i][j] = sum;
    }
}

static NOINLINE void multiply64(void) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      u64 sum = 0;
      for (int k = 0; k < N; k++) sum += (u64)d[i][k] * (u64)e[k][j];
      f[i][j] = (i64)sum;
    }
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (int i = 0; i < N * N; i++) {
    a[i / N][i % N] = (i32)random64(), b[i / N][i % N] = (i32)random64();
    d[i / N][i % N] = (i64)random64(), e[i / N][i % N] = (i64)random64();
  }
  for (u64 round = 0; round < rounds; round++) {
    multiply32();
    multiply64();
    for (int i = 0; i < N; i++) {
      a[i][(i + (int)round) % N] = c[i][N - 1 - i];
      d[i][(i + (int)round) % N] = f[i][N - 1 - i];
      sum = fold(sum, (u64)c[i][i] ^ (u64)f[i][i]);
    }
  }
  return sum;
}
