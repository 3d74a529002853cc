// Substrings in 64 KB of text: Horspool, Knuth-Morris-Pratt, and the C library's memchr, strstr and strncmp.
#include "workload.h"
#define BYTES (1 << 16)
static char text[BYTES + 1];

static NOINLINE u64 horspool(const char *pattern, size_t length) {
  size_t skip[256];
  u64 found = 0;
  for (int i = 0; i < 256; i++) skip[i] = length;
  for (size_t i = 0; i + 1 < length; i++) skip[(u8)pattern[i]] = length - 1 - i;
  for (size_t at = 0; at + length <= BYTES; at += skip[(u8)text[at + length - 1]]) {
    size_t i = length;
    while (i > 0 && text[at + i - 1] == pattern[i - 1]) i--;
    if (i == 0) found += at;
  }
  return found;
}

static NOINLINE u64 morris(const char *pattern, size_t length) {
  size_t fall[32] = {0}, state = 0;
  u64 found = 0;
  for (size_t i = 1, j = 0; i < length; fall[++i - 1] = j) {
    while (j > 0 && pattern[i] != pattern[j]) j = fall[j - 1];
    if (pattern[i] == pattern[j]) j++;
  }
  for (size_t at = 0; at < BYTES; at++) {
    while (state > 0 && text[at] != pattern[state]) state = fall[state - 1];
    if (text[at] == pattern[state]) state++;
    if (state == length) found += at, state = fall[state - 1];
  }
  return found;
}

static NOINLINE u64 library(const char *pattern, size_t length) {
  u64 found = 0;
  for (const char *at = text; (at = strstr(at, pattern)) != NULL; at++) found += (u64)(at - text);
  for (const char *at = text; (at = memchr(at, pattern[0], (size_t)(text + BYTES - at))) != NULL; at++)
    if (strncmp(at, pattern, length) == 0) found++;
  return found;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (int i = 0; i < BYTES; i++) {
    u64 pick = random64();
    text[i] = (char)('a' + (pick & 15 & pick >> 8));
  }
  for (u64 round = 0; round < rounds; round++) {
    char pattern[32] = {0};
    size_t length = 2 + random64() % 18, from = random64() % (BYTES - 32);
    memcpy(pattern, text + from, length);
    if (round % 3 == 0) pattern[length - 1] = 'z';
    sum = fold(sum, horspool(pattern, length) + 3 * morris(pattern, length) + 5 * library(pattern, length));
  }
  return sum;
}
