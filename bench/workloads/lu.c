// Systems of linear equations by LU decomposition with pivots; coefficients from the C library's exp, log, sin, pow, atan2.
#define ROUNDED
#include "workload.h"
#include <math.h>
#define N 48
static double a[N][N], lu[N][N], b[N], x[N];
static int pivots[N];

static NOINLINE void decompose(void) {
  memcpy(lu, a, sizeof lu);
  for (int k = 0; k < N; k++) {
    int pivot = k;
    for (int i = k + 1; i < N; i++)
      if (fabs(lu[i][k]) > fabs(lu[pivot][k])) pivot = i;
    pivots[k] = pivot;
    for (int j = 0; j < N; j++) {
      double swap = lu[k][j];
      lu[k][j] = lu[pivot][j];
      lu[pivot][j] = swap;
    }
    for (int i = k + 1; i < N; i++) {
      double factor = lu[i][k] /= lu[k][k];
      for (int j = k + 1; j < N; j++) lu[i][j] -= factor * lu[k][j];
    }
  }
}

static NOINLINE void solve(void) {
  memcpy(x, b, sizeof x);
  for (int k = 0; k < N; k++) {
    double swap = x[k];
    x[k] = x[pivots[k]];
    x[pivots[k]] = swap;
  }
  for (int i = 0; i < N; i++)
    for (int j = 0; j < i; j++) x[i] -= lu[i][j] * x[j];
  for (int i = N - 1; i >= 0; i--) {
    for (int j = i + 1; j < N; j++) x[i] -= lu[i][j] * x[j];
    x[i] /= lu[i][i];
  }
}

static double uniform(void) { return (double)(random64() >> 11) * 0x1p-53; }

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  double norm = 0, residual = 0;
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        double u = uniform(), v = uniform();
        switch (j & 3) {
        case 0: a[i][j] = exp(u) * sin(6 * v); break;
        case 1: a[i][j] = log(u + 0.01) + v; break;
        case 2: a[i][j] = pow(u + 0.5, 3 * v); break;
        default: a[i][j] = atan2(u - 0.5, v - 0.5); break;
        }
      }
      // A heavy diagonal keeps the solution well determined.
      a[i][i] += N;
      b[i] = uniform();
    }
    decompose();
    solve();
    for (int i = 0; i < N; i++) {
      double row = -b[i];
      for (int j = 0; j < N; j++) row += a[i][j] * x[j];
      residual = fmax(residual, fabs(row));
      norm += x[i] * x[i];
      sum = fold(sum, bits_of(x[i]));
    }
  }
  rounded("norm", norm);
  printf("residual %s\n", residual < 1e-12 ? "small" : "large");
  return sum;
}
