// 64-bit and 32-bit division and remainder, signed and not: greatest common divisors, modular powers, decimal digits.
#include "workload.h"

static NOINLINE u64 divisor(u64 a, u64 b) {
  while (b != 0) {
    u64 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static NOINLINE u64 power(u64 base, u64 exponent, u64 modulus) {
  u64 result = 1;
  for (base %= modulus; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = result * base % modulus;
    base = base * base % modulus;
  }
  return result;
}

static NOINLINE u64 digits(u64 number, u64 base) {
  u64 sum = 0;
  for (; number != 0; number /= base) sum = sum * 3 + number % base;
  return sum;
}

static NOINLINE i64 halves(i64 a, i64 b, i32 c, i32 d) { return a / b + a % b * 3 + (i64)(c / d) * 5 + (i64)(c % d) * 7; }

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    u64 a = random64(), b = random64();
    sum = fold(sum, divisor(a, b >> (a & 31)));
    sum = fold(sum, power(a, b >> 40, (b & 0xffffffff) | 1));
    sum = fold(sum, digits(a, 3 + (b & 15)));
    for (int i = 0; i < 16; i++, a = a * 5 + b) sum += (u64)halves((i64)a, (i64)(b >> i) | 1, (i32)a, (i32)(b >> 32 & 0xffff) | 1);
  }
  return sum;
}
