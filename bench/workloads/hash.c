// Hash tables: open addressing with integers, inserted, found and removed; and chains with strings.
#include "workload.h"
#define SLOTS (1 << 15)
#define WORDS 4096
static u64 keys[SLOTS], values[SLOTS];
struct entry {
  struct entry *next;
  u32 hash, count;
  char word[24];
};
static struct entry entries[WORDS], *buckets[1024];

static inline u64 mix(u64 x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdu;
  x ^= x >> 33;
  return x;
}

static NOINLINE u64 *find(u64 key) {
  u64 at = mix(key) % SLOTS;
  while (keys[at] != 0 && keys[at] != key) at = (at + 1) % SLOTS;
  keys[at] = key;
  return &values[at];
}

// Closes the gap, so that no tombstones are needed.
static NOINLINE u64 take(u64 key) {
  u64 at = mix(key) % SLOTS;
  while (keys[at] != key) {
    if (keys[at] == 0) return 0;
    at = (at + 1) % SLOTS;
  }
  u64 value = values[at], gap = at;
  for (u64 next = (at + 1) % SLOTS; keys[next] != 0; next = (next + 1) % SLOTS) {
    u64 home = mix(keys[next]) % SLOTS;
    if ((next - home) % SLOTS < (next - gap) % SLOTS) continue;
    keys[gap] = keys[next], values[gap] = values[next];
    gap = next;
  }
  keys[gap] = values[gap] = 0;
  return value;
}

static NOINLINE u32 count(const char *word) {
  static u32 used;
  u32 hash = 2166136261u;
  for (const char *at = word; *at != 0; at++) hash = (hash ^ (u8)*at) * 16777619u;
  struct entry **bucket = &buckets[hash % 1024];
  for (struct entry *entry = *bucket; entry != NULL; entry = entry->next)
    if (entry->hash == hash && strcmp(entry->word, word) == 0) return ++entry->count;
  struct entry *entry = &entries[used++];
  *entry = (struct entry){*bucket, hash, 1, ""};
  strcpy(entry->word, word);
  *bucket = entry;
  return 1;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < 512; i++) {
      *find(1 + random64() % 20000) += (u64)i;
      sum ^= take(1 + random64() % 20000);
    }
    for (int i = 0; i < 128; i++) {
      char word[24];
      u64 number = random64() % WORDS;
      int length = 0;
      for (const char *at = "name of "; *at != 0;) word[length++] = *at++;
      for (; number != 0; number /= 10) word[length++] = (char)('0' + number % 10);
      word[length] = 0;
      sum = fold(sum, count(word));
    }
  }
  return sum;
}
