// setjmp and longjmp: errors thrown out of calls of some depth, and a search that backtracks.
#include "workload.h"
#include <setjmp.h>

static jmp_buf handler;

static NOINLINE u64 descend(u64 depth, u64 value) {
  if (depth == 0) {
    if (value % 3 != 0) longjmp(handler, (int)(value % 5) + 1);
    return value;
  }
  u64 below = descend(depth - 1, value * 7 + depth);
  return below ^ depth;
}

// A knapsack filled exactly: the first way found is thrown out of the recursion.
static u32 weights[16];
static volatile u32 chosen;

static NOINLINE void fill(int item, u32 rest, u32 mask) {
  if (rest == 0) {
    chosen = mask;
    longjmp(handler, 1);
  }
  if (item == 16) return;
  if (weights[item] <= rest) fill(item + 1, rest - weights[item], mask | 1u << item);
  fill(item + 1, rest, mask);
}

static u64 work(u64 rounds, u64 seed) {
  volatile u64 sum = seed;
  for (volatile u64 round = 0; round < rounds; round++) {
    for (volatile int i = 0; i < 64; i++) {
      int thrown = setjmp(handler);
      if (thrown == 0) sum = fold(sum, descend((u64)i % 9, random64()));
      else sum = fold(sum, (u64)thrown);
    }
    for (int i = 0; i < 16; i++) weights[i] = 3 + (u32)(random64() % 50);
    chosen = 0;
    if (setjmp(handler) == 0) fill(0, 120, 0);
    sum = fold(sum, chosen);
  }
  return sum;
}
