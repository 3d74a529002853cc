/* Linear memory grows, is zero, and keeps what it holds. */
#include "guest.h"

void _start(void) {
  size_t before = __builtin_wasm_memory_size(0);
  static volatile char kept[3] = "ok";
  say("grow %d\n", __builtin_wasm_memory_grow(0, 16) == before);
  say("pages %u more\n", (unsigned)(__builtin_wasm_memory_size(0) - before));
  char *fresh = (char *)(before * 65536);
  int zero = 1;
  for (size_t i = 0; i < 16 * 65536; i++) zero &= fresh[i] == 0;
  say("zero %d\n", zero);
  for (size_t i = 0; i < 16 * 65536; i += 4096) fresh[i] = (char)(i >> 12);
  for (int k = 0; k < 10; k++) __builtin_wasm_memory_grow(0, 1);
  unsigned sum = 0;
  for (size_t i = 0; i < 16 * 65536; i += 4096) sum = sum * 31 + (unsigned char)fresh[i];
  say("content %x %s\n", sum, (const char *)kept);
  say("far too much %d\n", __builtin_wasm_memory_grow(0, 70000) == (size_t)-1);
  fresh[26 * 65536 - 6] = 'e', fresh[26 * 65536 - 5] = 'd', fresh[26 * 65536 - 4] = 'g', fresh[26 * 65536 - 3] = 'e', fresh[26 * 65536 - 2] = '\n';
  write_all(1, fresh + 26 * 65536 - 6, 5);
}
