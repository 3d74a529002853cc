// The C library's memcpy, memmove, memset, memcmp and strlen at sizes from 1 byte to 64 KB.
#include "workload.h"
#define BYTES (1 << 17)
static u8 from[BYTES], to[BYTES];

// A call that the compiler cannot see through.
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile set)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static size_t (*volatile length)(const char *) = strlen;

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (int i = 0; i < BYTES; i++) from[i] = (u8)(random64() | 1);
  from[BYTES - 1] = 0;
  for (u64 round = 0; round < rounds; round++)
    for (u64 bytes = 1; bytes <= 1 << 16; bytes = bytes * 2 + (round & 1))
      // As many bytes at each size, but for the smallest.
      for (u64 times = 1 + 2048 / bytes; times > 0; times--) {
        u64 pick = random64(), at = pick & 0x7fff, other = pick >> 16 & 0x7fff;
        copy(to + at, from + other, bytes);
        move(to + at + 8, to + at, bytes / 2);
        sum += (u64)(compare(to + other, from + other, bytes) > 0);
        set(to + other, (int)round, bytes / 4);
        sum = fold(sum, length((const char *)from + BYTES - 1 - bytes) + to[at]);
      }
  return sum;
}
