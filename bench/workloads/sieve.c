// The primes below 2^20, byte flags.
#include "workload.h"
#define LIMIT (1 << 20)
static u8 composite[LIMIT];

static NOINLINE u64 primes(u32 limit) {
  u64 sum = 0;
  memset(composite, 0, limit);
  for (u32 i = 2; i < limit; i++) {
    if (composite[i]) continue;
    sum += i;
    for (u64 j = (u64)i * i; j < limit; j += i) composite[j] = 1;
  }
  return sum;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) sum = fold(sum, primes((u32)(LIMIT - (random64() & 0xfff))));
  return sum;
}
