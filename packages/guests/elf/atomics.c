/* Load-reserved/store-conditional and the atomic memory operations, word and double word. */
#include "guest.h"

static long word __attribute__((aligned(8)));

#define AMO(operation, start, operand)                                                                      \
  do {                                                                                                      \
    word = (start);                                                                                         \
    long old;                                                                                               \
    __asm__ volatile(operation " %0, %2, (%1)" : "=&r"(old) : "r"(&word), "r"((long)(operand)) : "memory"); \
    say("%s: old %lx new %lx\n", operation, old, word);                                                     \
  } while (0)

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  long start = 0x7fffffff80000001;
  AMO("amoswap.w", start, 5);
  AMO("amoadd.w", start, -2);
  AMO("amoxor.w", start, 0xff);
  AMO("amoand.w", start, 0xf0000000);
  AMO("amoor.w", start, 0xf0);
  AMO("amomin.w", start, 1);
  AMO("amomax.w", start, 1);
  AMO("amominu.w", start, 1);
  AMO("amomaxu.w", start, 1);
  AMO("amoswap.d", start, 5);
  AMO("amoadd.d", start, -2);
  AMO("amoxor.d", start, -1);
  AMO("amoand.d", start, 0xf0000000f);
  AMO("amoor.d", start, 0xf0);
  AMO("amomin.d.aq", start, -1);
  AMO("amomax.d.rl", start, -1);
  AMO("amominu.d.aqrl", start, -1);
  AMO("amomaxu.d", start, -1);
  long loaded, failed;
  word = 41;
  __asm__ volatile("1: lr.d %0, (%2)\n addi %0, %0, 1\n sc.d %1, %0, (%2)\n bnez %1, 1b" : "=&r"(loaded), "=&r"(failed) : "r"(&word) : "memory");
  say("lr/sc: %ld stored %ld\n", failed, word);
  __asm__ volatile("sc.d %0, zero, (%1)" : "=&r"(failed) : "r"(&word) : "memory");
  say("sc without a reservation fails %d, memory %ld\n", failed != 0, word);
  __asm__ volatile("1: lr.w %0, (%2)\n sc.w %1, %0, (%2)\n bnez %1, 1b\n sc.w %1, %0, (%2)" : "=&r"(loaded), "=&r"(failed) : "r"(&word) : "memory");
  say("a second sc fails %d\n", failed != 0);
  return 0;
}
