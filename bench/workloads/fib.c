// Calls and little else: Fibonacci numbers and Ackermann's function, by recursion.
#include "workload.h"

static NOINLINE u64 fibonacci(u64 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static NOINLINE u64 ackermann(u64 m, u64 n) { return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1)); }

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) sum = fold(sum, fibonacci(20 + (random64() & 3)) + ackermann(2, 30 + (random64() & 15)));
  return sum;
}
