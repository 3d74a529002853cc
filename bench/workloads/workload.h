// What every workload shares: `PROGRAM ROUNDS SEED` does work that grows with ROUNDS on input made from SEED, and prints a checksum.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

#define NOINLINE __attribute__((noinline))

// Each program's own: the checksum of all it computed.
static u64 work(u64 rounds, u64 seed);

static u64 random_state;

// SplitMix64.
static inline u64 random64(void) {
  u64 z = (random_state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static inline u64 fold(u64 sum, u64 value) { return ((sum << 7 | sum >> 57) ^ value) * 0x9e3779b97f4a7c15u; }

static inline u64 bits_of(double value) {
  u64 bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// A program that defines ROUNDED multiplies and adds in floating point. The compiler fuses the two for riscv64 and, by default, not for
// x86-64, so the last bits differ: such a program prints rounded results on stdout, and the checksum of all bits on stderr, which is
// the same wherever the riscv64 program runs.
#ifdef ROUNDED
static void rounded(const char *name, double value) { printf("%s %.6e\n", name, value); }
#define CHECKSUM_STREAM stderr
#else
#define CHECKSUM_STREAM stdout
#endif

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s ROUNDS SEED\n", argv[0]);
    return 2;
  }
  u64 rounds = strtoull(argv[1], NULL, 10);
  random_state = strtoull(argv[2], NULL, 10);
  fprintf(CHECKSUM_STREAM, "%016lx\n", (unsigned long)work(rounds, random_state));
  return 0;
}
