/* An integer mix: list sorting, matrices, a state machine, CRC, SHA-256-like rounds, 128-bit products; one checksum each. */
#include "guest.h"

static uint32_t random_state = 12345;
static uint32_t random(void) {
  random_state ^= random_state << 13, random_state ^= random_state >> 17, random_state ^= random_state << 5;
  return random_state;
}

static uint32_t crc_of(const void *data, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; i++) {
    crc ^= ((const uint8_t *)data)[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

struct node { struct node *next; uint32_t value; };
static struct node nodes[2000];

static struct node *merge(struct node *a, struct node *b) {
  struct node head, *tail = &head;
  while (a && b) {
    struct node **least = a->value <= b->value ? &a : &b;
    tail = tail->next = *least;
    *least = (*least)->next;
  }
  tail->next = a ? a : b;
  return head.next;
}
static struct node *sort(struct node *list, int n) {
  if (n == 1) { list->next = NULL; return list; }
  struct node *second = list;
  for (int i = 0; i < n / 2; i++) second = second->next;
  struct node *right = sort(second, n - n / 2);
  return merge(sort(list, n / 2), right);
}

static uint32_t lists(void) {
  for (int i = 0; i < 2000; i++) nodes[i] = (struct node){i < 1999 ? &nodes[i + 1] : NULL, random()};
  uint32_t sum = 0, last = 0, bad = 0;
  for (struct node *n = sort(nodes, 2000); n; n = n->next) bad += n->value < last, last = n->value, sum = sum * 31 + n->value;
  return bad ? 0 : sum;
}
static uint32_t matrices(void) {
  enum { N = 40 };
  static int32_t a[N][N], b[N][N], c[N][N];
  for (int i = 0; i < N * N; i++) a[i / N][i % N] = (int16_t)random(), b[i / N][i % N] = (int16_t)random();
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      int32_t sum = 0;
      for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
  return crc_of(c, sizeof c);
}
static uint32_t machine(void) {
  static char input[4000];
  for (int i = 0; i < 4000; i++) input[i] = "0123456789+-.eE, "[random() % 17];
  uint32_t counts[6] = {0};
  int state = 0;
  for (int i = 0; i < 4000; i++) {
    char c = input[i];
    int digit = c >= '0' && c <= '9';
    switch (state) {
      case 0: state = digit ? 1 : c == '+' || c == '-' ? 2 : c == '.' ? 3 : c == ',' || c == ' ' ? 0 : 5; break;
      case 1: state = digit ? 1 : c == '.' ? 3 : c == 'e' || c == 'E' ? 4 : c == ',' ? 0 : 5; break;
      case 2: state = digit ? 1 : c == '.' ? 3 : 5; break;
      case 3: state = digit ? 3 : c == 'e' || c == 'E' ? 4 : c == ',' ? 0 : 5; break;
      case 4: state = digit || c == '+' || c == '-' ? 1 : 5; break;
      default: state = c == ',' ? 0 : 5;
    }
    counts[state]++;
  }
  return crc_of(counts, sizeof counts);
}
static uint64_t wide(void) {
  uint64_t sum = 0;
  for (int i = 0; i < 2000; i++) {
    uint64_t a = (uint64_t)random() << 32 | random(), b = (uint64_t)random() << 32 | random();
    unsigned __int128 product = (unsigned __int128)a * b;
    __int128 with_sign = (__int128)(int64_t)a * (int64_t)b;
    sum += (uint64_t)(product >> 64) ^ (uint64_t)product ^ (uint64_t)(with_sign >> 64);
    sum = sum << 7 | sum >> 57;
    sum += a / (b >> 40 | 1) + a % (b >> 20 | 1) + (uint64_t)((int64_t)a / ((int32_t)b | 1)) + (uint64_t)((int32_t)a % ((int16_t)b | 1));
  }
  return sum;
}
static uint32_t rounds(void) {
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (int i = 0; i < 20000; i++) {
    uint32_t e = h[4], a = h[0];
    uint32_t s1 = (e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7), ch = (e & h[5]) ^ (~e & h[6]);
    uint32_t t1 = h[7] + s1 + ch + 0x428a2f98u * (uint32_t)(i + 1);
    uint32_t s0 = (a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10), maj = (a & h[1]) ^ (a & h[2]) ^ (h[1] & h[2]);
    h[7] = h[6], h[6] = h[5], h[5] = e, h[4] = h[3] + t1, h[3] = h[2], h[2] = h[1], h[1] = a, h[0] = t1 + s0 + maj;
  }
  return crc_of(h, sizeof h);
}
static uint64_t bits(void) {
  uint64_t sum = 0;
  for (int i = 0; i < 3000; i++) {
    uint64_t x = (uint64_t)random() << 32 | random();
    for (uint64_t left = x; left; left &= left - 1) sum++;
    x = (x & 0x5555555555555555) + (x >> 1 & 0x5555555555555555);
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x & 0x0f0f0f0f0f0f0f0f) + (x >> 4 & 0x0f0f0f0f0f0f0f0f);
    sum = (sum ^ x) * 0x9e3779b97f4a7c15;
    sum ^= (uint64_t)((int64_t)sum >> (i & 63)) + (uint32_t)((int32_t)sum >> (i & 31));
  }
  return sum;
}

int main(int argc, char **argv, char **envp) {
  (void)envp;
  long times = argc > 1 ? number(argv[1]) : 1;
  uint64_t all = 0;
  for (long i = 0; i < times; i++) {
    uint64_t parts[6] = {lists(), matrices(), machine(), wide(), rounds(), bits()};
    if (i == 0) say("lists %lx\nmatrices %lx\nmachine %lx\nwide %lx\nrounds %lx\nbits %lx\n", parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
    for (int k = 0; k < 6; k++) all = (all ^ parts[k]) * 0x100000001b3;
  }
  say("all %lx\n", all);
  return 0;
}
