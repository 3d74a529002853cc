// In the manner of CoreMark: a linked list, a small matrix, a state machine, and a CRC over what they give.
#include "workload.h"

static NOINLINE u16 crc16(u32 data, u16 crc) {
  for (int bit = 0; bit < 32; bit++) {
    u16 carry = (u16)((data ^ crc) & 1);
    data >>= 1;
    crc >>= 1;
    if (carry) crc ^= 0xa001;
  }
  return crc;
}

struct item {
  struct item *next;
  i32 key, value;
};
#define ITEMS 256
static struct item items[ITEMS];

static NOINLINE struct item *reverse(struct item *list) {
  struct item *done = NULL;
  while (list != NULL) {
    struct item *next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static int by_key(const struct item *a, const struct item *b) { return a->key - b->key; }
static int by_value(const struct item *a, const struct item *b) { return a->value - b->value; }

// Merge sort from the bottom up, in place.
static NOINLINE struct item *sort(struct item *list, int (*compare)(const struct item *, const struct item *)) {
  for (int run = 1;; run *= 2) {
    struct item *rest = list, *head = NULL, **tail = &head;
    int merges = 0;
    while (rest != NULL) {
      struct item *left = rest, *right = rest;
      int lefts = 0, rights = run;
      while (lefts < run && right != NULL) right = right->next, lefts++;
      while (lefts > 0 || (rights > 0 && right != NULL)) {
        int from_left = lefts > 0 && (rights == 0 || right == NULL || compare(left, right) <= 0);
        struct item **from = from_left ? &left : &right;
        *(from_left ? &lefts : &rights) -= 1;
        *tail = *from;
        tail = &(*from)->next;
        *from = (*from)->next;
      }
      rest = right;
      merges++;
    }
    *tail = NULL;
    list = head;
    if (merges <= 1) return list;
  }
}

static NOINLINE i32 find(const struct item *list, i32 key) {
  i32 steps = 0;
  for (; list != NULL; list = list->next, steps++)
    if (list->key == key) return steps;
  return -steps;
}

#define N 20
static int16_t a[N][N], b[N][N];
static i32 c[N][N];

static NOINLINE i32 matrices(int16_t scale) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) a[i][j] = (int16_t)(a[i][j] + scale);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      i32 sum = 0;
      for (int k = 0; k < N; k++) {
        i32 product = a[i][k] * b[k][j];
        sum += ((product >> 2) & 15) * ((product >> 5) & 127);
      }
      c[i][j] = sum;
    }
  i32 sum = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) sum = (i32)((u32)sum * 31 + (u32)c[i][j]);
  return sum;
}

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, POWER, INVALID, STATES };
static char text[1024];

static NOINLINE enum state scan(const char **at, u32 *counts) {
  enum state state = START;
  for (; **at != 0 && state != INVALID; ++*at) {
    char ch = **at;
    if (ch == ',') {
      ++*at;
      break;
    }
    int digit = ch >= '0' && ch <= '9';
    switch (state) {
    case START: state = digit ? INTEGER : ch == '+' || ch == '-' ? SIGN : ch == '.' ? FRACTION : INVALID; break;
    case SIGN: state = digit ? INTEGER : ch == '.' ? FRACTION : INVALID; break;
    case INTEGER: state = digit ? INTEGER : ch == '.' ? FRACTION : INVALID; break;
    case FRACTION: state = digit ? FRACTION : ch == 'e' || ch == 'E' ? EXPONENT : INVALID; break;
    case EXPONENT: state = digit || ch == '+' || ch == '-' ? POWER : INVALID; break;
    case POWER: state = digit ? POWER : INVALID; break;
    default: break;
    }
    counts[state]++;
  }
  return state;
}

static void make_text(void) {
  static const char *const words[] = {"5012", "-874", "+122", "35.54400", ".1234500", "-110.700", "5.500e+3", "-.123e-2", "T0.3e-1F", "-T.T++Tq"};
  size_t used = 0;
  for (;;) {
    const char *word = words[random64() % 10];
    size_t length = strlen(word);
    if (used + length + 2 > sizeof text) break;
    memcpy(text + used, word, length);
    used += length;
    text[used++] = ',';
  }
}

static u64 work(u64 rounds, u64 seed) {
  u16 crc = (u16)seed;
  for (int i = 0; i < ITEMS; i++) items[i] = (struct item){i + 1 < ITEMS ? &items[i + 1] : NULL, i, (i32)(random64() & 0x7fff)};
  for (int i = 0; i < N * N; i++) a[i / N][i % N] = (int16_t)random64(), b[i / N][i % N] = (int16_t)random64();
  make_text();
  struct item *list = items;
  for (u64 round = 0; round < rounds; round++) {
    list = reverse(list);
    for (i32 i = 0; i < 8; i++) crc = crc16((u32)find(list, (i32)(round * 37 + (u64)i * 61) % (2 * ITEMS)), crc);
    if (round % 4 == 0) list = sort(sort(list, by_value), by_key);
    if (round % 4 == 2) list = sort(list, by_value);
    crc = crc16((u32)matrices((int16_t)(round & 7)), crc);
    u32 counts[STATES] = {0};
    for (const char *at = text; *at != 0;) counts[scan(&at, counts)] += 16;
    for (int i = 0; i < STATES; i++) crc = crc16(counts[i], crc);
    text[(round * 7) % 512] ^= 1;
    if (text[(round * 7) % 512] == 0) text[(round * 7) % 512] = ',';
  }
  return crc;
}
