// Bits: population counts, leading and trailing zeros, rotations, byte and bit reversal, Morton codes, a GF(2) product, N queens by masks.
#include "workload.h"

static NOINLINE u64 reverse(u64 x) {
  x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
  x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
  return __builtin_bswap64(x);
}

static NOINLINE u64 spread(u64 x) {
  x &= 0xffffffff;
  x = (x | x << 16) & 0x0000ffff0000ffffu;
  x = (x | x << 8) & 0x00ff00ff00ff00ffu;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
  x = (x | x << 2) & 0x3333333333333333u;
  return (x | x << 1) & 0x5555555555555555u;
}

static NOINLINE u64 product(u64 a, u64 b) {
  u64 sum = 0;
  for (; b != 0; b &= b - 1) sum ^= a << __builtin_ctzll(b);
  return sum;
}

static NOINLINE u32 queens(u32 all, u32 columns, u32 left, u32 right) {
  if (columns == all) return 1;
  u32 count = 0;
  for (u32 free = all & ~(columns | left | right); free != 0; free &= free - 1) {
    u32 at = free & -free;
    count += queens(all, columns | at, (left | at) << 1, (right | at) >> 1);
  }
  return count;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < 64; i++) {
      u64 x = random64(), n = x & 63;
      sum = fold(sum, reverse(x) + (x << n | x >> (-n & 63)) + (u64)__builtin_popcountll(x >> n));
      sum += (u64)__builtin_clzll(x >> n | 1) * 3 + (u64)__builtin_ctzll(x | 1ull << 63) + (spread(x) | spread(x >> 32) << 1);
    }
    sum = fold(sum, product(sum, random64()) + queens(0x7f, 0, 0, (u32)round & 1));
  }
  return sum;
}
