// Hoare's quicksort of 64-bit integers, insertion sort below 16.
#include "workload.h"
#define COUNT 20000
static i64 values[COUNT];

static void insertion(i64 *from, i64 *to) {
  for (i64 *at = from + 1; at < to; at++) {
    i64 value = *at, *hole = at;
    for (; hole > from && hole[-1] > value; hole--) *hole = hole[-1];
    *hole = value;
  }
}

static NOINLINE void quicksort(i64 *from, i64 *to) {
  while (to - from > 16) {
    i64 pivot = from[(to - from) / 2], *left = from - 1, *right = to;
    for (;;) {
      do left++;
      while (*left < pivot);
      do right--;
      while (*right > pivot);
      if (left >= right) break;
      i64 swap = *left;
      *left = *right;
      *right = swap;
    }
    quicksort(right + 1, to);
    to = right + 1;
  }
  insertion(from, to);
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < COUNT; i++) values[i] = (i64)random64() >> (round % 50);
    quicksort(values, values + COUNT);
    for (int i = 0; i < COUNT; i += 7) sum = fold(sum, (u64)values[i]);
  }
  return sum;
}
