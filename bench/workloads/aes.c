// AES-128 encryption by four tables of 1 KB, counter mode; tables and key schedule made here (FIPS 197).
#include "workload.h"
#define BLOCKS 4096
static u8 box[256];
static u32 table[4][256], key[44], output[BLOCKS][4];

static u8 twice(u8 x) { return (u8)(x << 1 ^ (x & 0x80 ? 0x1b : 0)); }

static void make_tables(void) {
  u8 p = 1, q = 1;
  do {
    p = (u8)(p ^ twice(p));
    q ^= (u8)(q << 1), q ^= (u8)(q << 2), q ^= (u8)(q << 4);
    if (q & 0x80) q ^= 0x09;
    u8 x = (u8)(q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4));
    box[p] = x ^ 0x63;
  } while (p != 1);
  box[0] = 0x63;
  for (int i = 0; i < 256; i++) {
    u32 s = box[i], d = twice(box[i]), word = d << 24 | s << 16 | s << 8 | (s ^ d);
    for (int j = 0; j < 4; j++) table[j][i] = word >> 8 * j | (j ? word << (32 - 8 * j) : 0);
  }
}

static u32 substitute(u32 w) { return (u32)box[w >> 24] << 24 | (u32)box[w >> 16 & 255] << 16 | (u32)box[w >> 8 & 255] << 8 | box[w & 255]; }

static void expand_key(void) {
  u8 constant = 1;
  for (int i = 0; i < 4; i++) key[i] = (u32)random64();
  for (int i = 4; i < 44; i++) {
    u32 word = key[i - 1];
    if (i % 4 == 0) word = substitute(word << 8 | word >> 24) ^ (u32)constant << 24, constant = twice(constant);
    key[i] = key[i - 4] ^ word;
  }
}

static NOINLINE void encrypt(const u32 in[4], u32 out[4]) {
  u32 s[4], t[4];
  for (int i = 0; i < 4; i++) s[i] = in[i] ^ key[i];
  for (int round = 1; round < 10; round++) {
    for (int i = 0; i < 4; i++)
      t[i] = table[0][s[i] >> 24] ^ table[1][s[(i + 1) & 3] >> 16 & 255] ^ table[2][s[(i + 2) & 3] >> 8 & 255] ^
             table[3][s[(i + 3) & 3] & 255] ^ key[4 * round + i];
    for (int i = 0; i < 4; i++) s[i] = t[i];
  }
  for (int i = 0; i < 4; i++)
    out[i] = ((u32)box[s[i] >> 24] << 24 | (u32)box[s[(i + 1) & 3] >> 16 & 255] << 16 | (u32)box[s[(i + 2) & 3] >> 8 & 255] << 8 |
              box[s[(i + 3) & 3] & 255]) ^
             key[40 + i];
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  make_tables();
  expand_key();
  for (u64 round = 0; round < rounds; round++) {
    u32 counter[4] = {(u32)seed, (u32)round, 0, 0};
    for (u32 i = 0; i < BLOCKS; i++) counter[3] = i, encrypt(counter, output[i]);
    for (u32 i = 0; i < BLOCKS; i += 61) sum = fold(sum, output[i][i & 3]);
  }
  return sum;
}
