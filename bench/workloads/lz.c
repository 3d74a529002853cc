// Compresses text-like bytes with a hash of the last place of each four bytes (LZ77, byte-aligned, lengths in a nibble), and back.
#include "workload.h"
#define BYTES (1 << 16)
#define SLOTS (1 << 12)
static u8 plain[BYTES], packed[BYTES * 2], unpacked[BYTES];
static u32 table[SLOTS];

static inline u32 four(const u8 *at) {
  u32 value;
  memcpy(&value, at, 4);
  return value;
}

static u8 *put_length(u8 *out, u32 length) {
  for (; length >= 255; length -= 255) *out++ = 255;
  *out++ = (u8)length;
  return out;
}

static u8 *put_literals(u8 *out, const u8 *from, u32 count, u32 match) {
  *out++ = (u8)((count < 15 ? count : 15) << 4 | (match < 15 ? match : 15));
  if (count >= 15) out = put_length(out, count - 15);
  for (u32 i = 0; i < count; i++) *out++ = from[i];
  return out;
}

static NOINLINE u32 compress(const u8 *in, u32 bytes, u8 *out) {
  u8 *start = out;
  u32 literal = 0, at = 1;
  memset(table, 0, sizeof table);
  while (at + 12 < bytes) {
    u32 slot = (four(in + at) * 2654435761u) >> 20, from = table[slot];
    table[slot] = at;
    if (from == 0 || at - from > 65535 || four(in + from) != four(in + at)) {
      at++;
      continue;
    }
    u32 length = 4;
    while (at + length + 5 < bytes && in[from + length] == in[at + length]) length++;
    out = put_literals(out, in + literal, at - literal, length - 4);
    *out++ = (u8)(at - from);
    *out++ = (u8)((at - from) >> 8);
    if (length - 4 >= 15) out = put_length(out, length - 4 - 15);
    at += length;
    literal = at;
  }
  out = put_literals(out, in + literal, bytes - literal, 0);
  return (u32)(out - start);
}

static NOINLINE u32 decompress(const u8 *in, u32 bytes, u8 *out) {
  const u8 *end = in + bytes;
  u8 *start = out;
  while (in < end) {
    u8 token = *in++;
    u32 count = token >> 4, byte;
    if (count == 15) do count += byte = *in++;
      while (byte == 255);
    for (u32 i = 0; i < count; i++) *out++ = *in++;
    if (in >= end) break;
    u32 back = in[0] | (u32)in[1] << 8, length = token & 15;
    in += 2;
    if (length == 15) do length += byte = *in++;
      while (byte == 255);
    for (const u8 *from = out - back, *to = out + length + 4; out < to;) *out++ = *from++;
  }
  return (u32)(out - start);
}

static void make_text(void) {
  static char words[512][12];
  for (int i = 0; i < 512; i++) {
    int length = 2 + (int)(random64() % 9);
    for (int j = 0; j < length; j++) words[i][j] = (char)('a' + random64() % 26);
    words[i][length] = ' ';
    words[i][length + 1] = 0;
  }
  for (u32 at = 0; at < BYTES;) {
    u64 pick = random64();
    for (const char *word = words[(pick & 511) & (pick >> 20)]; *word != 0 && at < BYTES;) plain[at++] = (u8)*word++;
  }
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  make_text();
  for (u64 round = 0; round < rounds; round++) {
    u32 bytes = compress(plain, BYTES, packed);
    if (decompress(packed, bytes, unpacked) != BYTES || memcmp(plain, unpacked, BYTES) != 0) exit(1);
    sum = fold(sum, bytes ^ (u64)packed[bytes / 2] << 32);
    for (int i = 0; i < 64; i++) plain[random64() % BYTES] = (u8)random64();
  }
  return sum;
}
