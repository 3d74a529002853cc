// Many different code paths: makes FUNCTIONS random functions, each a loop of 20 instructions run 8 times, and calls each CALLS times, either all in one place, so that
// each overwrites the one before (`same`), or each in a place of its own (`fresh`). riscv64 only. Prints a checksum.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BODY 20
#define LENGTH (BODY + 4)
#define TURNS 8
typedef uint64_t (*function)(uint64_t, uint64_t);

static uint64_t state = 1;
static uint32_t random32(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

// add, sub, xor, sh1add over a0 to a5, by funct3 and funct7: none loses what its operands held.
static const uint32_t operations[] = {0, 0x40000000, 0x4000, 0x20002000};

static void generate(uint32_t *code) {
  *code++ = TURNS << 20 | 16 << 7 | 0x13; // li a6, TURNS
  for (int i = 0; i < BODY; i++) {
    uint32_t destination = 10 + random32() % 6, one = 10 + random32() % 6, other = 10 + random32() % 6;
    *code++ = operations[random32() % 4] | other << 20 | one << 15 | destination << 7 | 0x33;
  }
  *code++ = 0xfff80813; // addi a6, a6, -1
  uint32_t back = -(uint32_t)(4 * (BODY + 1));
  *code++ = (back >> 12 & 1) << 31 | (back >> 5 & 63) << 25 | 16 << 15 | 1 << 12 | (back >> 1 & 15) << 8 | (back >> 11 & 1) << 7 | 0x63; // bnez a6, body
  *code = 0x00008067; // ret
}

static __attribute__((noinline)) uint64_t call(function made, long calls, uint64_t sum) {
  for (long i = 0; i < calls; i++) sum = made(sum, (uint64_t)i) + (uint64_t)i;
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s FUNCTIONS CALLS same|fresh\n", argv[0]);
    return 2;
  }
  long functions = atol(argv[1]), calls = atol(argv[2]);
  int fresh = strcmp(argv[3], "fresh") == 0;
  size_t bytes = (size_t)(fresh ? functions : 1) * LENGTH * 4;
  uint32_t *code = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) return 1;
  uint64_t sum = 0;
  for (long i = 0; i < functions; i++) {
    uint32_t *at = code + (fresh ? i * LENGTH : 0);
    generate(at);
    __builtin___clear_cache((char *)at, (char *)(at + LENGTH));
    sum = call((function)(uintptr_t)at, calls, sum * 31);
  }
  printf("%016lx\n", (unsigned long)sum);
  return 0;
}
