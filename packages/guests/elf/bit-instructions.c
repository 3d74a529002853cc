/* Zba, Zbb and Zbs: every instruction over a set of operands, one checksum each. */
#include "guest.h"

static const uint64_t operands[] = {0, 1, -1UL, 1UL << 63, 0x7fffffffffffffff, 0x80000000, 0x7fffffff, 0xffffffff, 0x0123456789abcdef, 0xfedcba9876543210, 0x00ff00ff00ff00ff, 63, 64, 31, 0x8000, 0xff80};
enum { COUNT = sizeof operands / sizeof *operands };

static uint64_t fold(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x100000001b3; }

#define EXTENSIONS ".option push\n .option arch, +zba, +zbb, +zbs\n "
#define TWO(operation)                                                                                                     \
  do {                                                                                                                     \
    uint64_t sum = 0, r;                                                                                                   \
    for (int i = 0; i < COUNT; i++) {                                                                                      \
      for (int k = 0; k < COUNT; k++) {                                                                                    \
        __asm__(EXTENSIONS operation " %0, %1, %2\n .option pop" : "=r"(r) : "r"(operands[i]), "r"(operands[k]));          \
        sum = fold(sum, r);                                                                                                \
      }                                                                                                                    \
    }                                                                                                                      \
    say("%s %lx\n", operation, sum);                                                                                       \
  } while (0)
#define ONE(operation, rest)                                                                                               \
  do {                                                                                                                     \
    uint64_t sum = 0, r;                                                                                                   \
    for (int i = 0; i < COUNT; i++) {                                                                                      \
      __asm__(EXTENSIONS operation " %0, %1" rest "\n .option pop" : "=r"(r) : "r"(operands[i]));                          \
      sum = fold(sum, r);                                                                                                  \
    }                                                                                                                      \
    say("%s%s %lx\n", operation, rest, sum);                                                                               \
  } while (0)

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  TWO("add.uw");
  TWO("sh1add");
  TWO("sh2add");
  TWO("sh3add");
  TWO("sh1add.uw");
  TWO("sh2add.uw");
  TWO("sh3add.uw");
  ONE("slli.uw", ", 5");
  ONE("slli.uw", ", 40");
  TWO("andn");
  TWO("orn");
  TWO("xnor");
  TWO("max");
  TWO("maxu");
  TWO("min");
  TWO("minu");
  TWO("rol");
  TWO("rolw");
  TWO("ror");
  TWO("rorw");
  ONE("rori", ", 13");
  ONE("rori", ", 47");
  ONE("roriw", ", 13");
  ONE("clz", "");
  ONE("clzw", "");
  ONE("ctz", "");
  ONE("ctzw", "");
  ONE("cpop", "");
  ONE("cpopw", "");
  ONE("sext.b", "");
  ONE("sext.h", "");
  ONE("zext.h", "");
  ONE("orc.b", "");
  ONE("rev8", "");
  TWO("bclr");
  TWO("bext");
  TWO("binv");
  TWO("bset");
  ONE("bclri", ", 63");
  ONE("bexti", ", 63");
  ONE("binvi", ", 40");
  ONE("bseti", ", 31");
  return 0;
}
