// The C library's qsort and bsearch with callbacks: integers, strings behind pointers, records.
#include "workload.h"
#define COUNT 2000
struct record {
  u32 key;
  u8 rest[20];
};
static u64 numbers[COUNT];
static char names[COUNT][16];
static const char *pointers[COUNT];
static struct record records[COUNT];

static int by_number(const void *a, const void *b) {
  u64 x = *(const u64 *)a, y = *(const u64 *)b;
  return (x > y) - (x < y);
}
static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }
// Equal keys are told apart, because sorting is not stable.
static int by_record(const void *a, const void *b) {
  const struct record *x = a, *y = b;
  return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : memcmp(x->rest, y->rest, sizeof x->rest);
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < COUNT; i++) {
      u64 pick = random64();
      numbers[i] = pick;
      for (int j = 0; j < 12; j++) names[i][j] = (char)('a' + (pick >> 5 * j & 7));
      pointers[i] = names[i];
      records[i].key = (u32)(pick % 512);
      memcpy(records[i].rest, &pick, sizeof pick);
    }
    qsort(numbers, COUNT, sizeof numbers[0], by_number);
    qsort(pointers, COUNT, sizeof pointers[0], by_name);
    qsort(records, COUNT, sizeof records[0], by_record);
    for (int i = 0; i < COUNT; i++) {
      u64 wanted = random64() & 1 ? numbers[i] : random64();
      u64 *found = bsearch(&wanted, numbers, COUNT, sizeof numbers[0], by_number);
      sum = fold(sum, found == NULL ? 0 : (u64)(found - numbers));
    }
    sum = fold(sum, (u64)(u8)pointers[COUNT / 2][3] + records[COUNT / 3].key);
  }
  return sum;
}
