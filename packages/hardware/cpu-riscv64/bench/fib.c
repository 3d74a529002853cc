// Calls and little else.
#include "start.h"
__attribute__((noinline)) static unsigned long fib(unsigned long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static unsigned long work(void) { return fib(36); }
