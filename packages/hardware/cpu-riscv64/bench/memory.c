// Copies, a hash table, a chase of pointers, a sieve.
#include "start.h"
typedef unsigned long u64;
typedef unsigned char u8;
#define SLOTS (1 << 16)
static u64 keys[SLOTS], counts[SLOTS];
static u8 from[1 << 16], to[1 << 16];
static unsigned next[1 << 16];
static u8 sieve[1 << 20];

__attribute__((noinline)) static void copy(u64 *d, const u64 *s, u64 n) {
  for (u64 i = 0; i < n; i++) d[i] = s[i];
}
static u64 mix(u64 x) { x ^= x >> 33; x *= 0xff51afd7ed558ccdul; x ^= x >> 33; return x; }

static u64 work(void) {
  u64 sum = 0;
  for (u64 i = 0; i < sizeof from; i++) from[i] = (u8)mix(i);
  for (int r = 0; r < 800; r++) copy((u64 *)to, (u64 *)from, sizeof from / 8), from[r] = to[r + 1];
  for (u64 i = 0; i < 3000000; i++) {
    u64 key = mix(i % 40000) | 1, at = key & (SLOTS - 1);
    while (keys[at] && keys[at] != key) at = (at + 1) & (SLOTS - 1);
    keys[at] = key, counts[at]++;
  }
  for (u64 i = 0; i < SLOTS; i++) sum += counts[i] * i, next[i] = (unsigned)((i * 40503 + 1) & (SLOTS - 1));
  unsigned at = 0;
  for (int i = 0; i < 6000000; i++) at = next[at];
  sum += at;
  for (int r = 0; r < 4; r++) {
    for (u64 i = 2; i < sizeof sieve; i++) sieve[i] = 1;
    for (u64 i = 2; i * i < sizeof sieve; i++)
      if (sieve[i]) for (u64 j = i * i; j < sizeof sieve; j += i) sieve[j] = 0;
    for (u64 i = 2; i < sizeof sieve; i++) sum += sieve[i];
  }
  for (u64 i = 0; i < sizeof to; i++) sum = sum * 31 + to[i];
  return sum;
}
