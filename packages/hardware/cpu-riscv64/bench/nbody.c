// Double-precision arithmetic: five bodies, and the Mandelbrot set.
#include "start.h"
struct body { double x[3], v[3], m; };
static struct body b[5];

static unsigned long work(void) {
  for (int i = 0; i < 5; i++) {
    for (int k = 0; k < 3; k++) b[i].x[k] = (i + 1) * 1.37 * (k + 1) - i * i, b[i].v[k] = 0.01 * (k - i);
    b[i].m = 1.0 / (i + 1);
  }
  for (int step = 0; step < 300000; step++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double d[3], r2 = 0.01;
        for (int k = 0; k < 3; k++) d[k] = b[i].x[k] - b[j].x[k], r2 += d[k] * d[k];
        double mag = 0.001 / (r2 * __builtin_sqrt(r2));
        for (int k = 0; k < 3; k++) b[i].v[k] -= d[k] * b[j].m * mag, b[j].v[k] += d[k] * b[i].m * mag;
      }
    for (int i = 0; i < 5; i++)
      for (int k = 0; k < 3; k++) b[i].x[k] += 0.001 * b[i].v[k];
  }
  long inside = 0;
  for (int y = 0; y < 200; y++)
    for (int x = 0; x < 200; x++) {
      double cr = x / 80.0 - 2, ci = y / 80.0 - 1.25, zr = 0, zi = 0;
      int n = 0;
      for (; n < 200 && zr * zr + zi * zi < 4; n++) {
        double t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci, zr = t;
      }
      inside += n;
    }
  double e = 0;
  for (int i = 0; i < 5; i++) e += b[i].x[0] + b[i].v[1];
  return (unsigned long)inside * 1000003 + (unsigned long)(long)(e * 1e9);
}
