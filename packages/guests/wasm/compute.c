/* An integer and floating-point mix with a checksum each. */
#include "guest.h"

static uint32_t state = 12345;
static uint32_t random(void) {
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return state;
}
static uint64_t fold(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x100000001b3; }
static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return bits;
}

void _start(void) {
  enum { N = 32 };
  static int32_t a[N][N], b[N][N];
  uint64_t matrices = 0, wide = 0, floats = 0, crc = ~0u;
  for (int i = 0; i < N * N; i++) a[i / N][i % N] = (int16_t)random(), b[i / N][i % N] = (int16_t)random();
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      int32_t sum = 0;
      for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      matrices = fold(matrices, (uint64_t)sum);
    }
  }
  say("matrices %llx\n", (unsigned long long)matrices);
  for (int i = 0; i < 5000; i++) {
    uint64_t x = (uint64_t)random() << 32 | random(), y = (uint64_t)random() << 32 | random();
    wide = fold(wide, x * y + x / (y >> 40 | 1) + x % (y >> 20 | 1) + (uint64_t)((int64_t)x >> (y & 63)));
    wide += (uint64_t)(__builtin_clzll(x | 1) + __builtin_ctzll(y | 1ull << 63) + __builtin_popcountll(x));
    wide = wide << (y & 31) | wide >> (64 - (y & 31) - ((y & 31) == 0));
  }
  say("wide %llx\n", (unsigned long long)wide);
  double x = 0.1, y = 1.5;
  float f = 0.25f;
  for (int i = 0; i < 5000; i++) {
    x = 3.9 * x * (1.0 - x);
    y = __builtin_sqrt(y * y / 3.0 + x) + __builtin_floor(x * 10.0) - __builtin_trunc(y);
    f = f * 0.75f + (float)y / 7.0f;
    floats = fold(floats, bits_of(x) ^ bits_of(y) ^ bits_of((double)f));
    floats += (uint64_t)(int64_t)(y * 1e6) + (uint32_t)(int32_t)(f * 1000.0f);
  }
  say("floats %llx\n", (unsigned long long)floats);
  for (int i = 0; i < 20000; i++) {
    crc ^= random() & 0xff;
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  say("crc %x\n", (unsigned)~crc);
}
