/* Code written at run time: executed after fence.i, changed, and executed again. */
#include "guest.h"

static void emit(volatile uint32_t *at, int value) {
  at[0] = 0x00000513u | (uint32_t)value << 20; /* addi a0, zero, value */
  at[1] = 0x00008067u;                         /* ret */
  __asm__ volatile("fence.i" ::: "memory");
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  uint32_t *code = (uint32_t *)must(sys(mmap, NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int (*function)(void) = (int (*)(void))code;
  emit(code, 42);
  say("first %d\n", function());
  emit(code, 43);
  say("changed %d\n", function());
  int sum = 0;
  for (int i = 0; i < 200; i++) emit(code, i), sum += function();
  say("changed 200 times %d\n", sum);
  emit(code + 1023, 7); /* the second instruction lies in the next page */
  say("across a page %d\n", ((int (*)(void))(code + 1023))());
  show("to read and execute", sys(mprotect, code, 8192, PROT_READ | PROT_EXEC));
  say("still %d\n", function());
  show("to read only", sys(mprotect, code, 8192, PROT_READ));
  PROBE("jalr t0, t1", code, 0), show_probe("execute", (uintptr_t)code);
  show("to write", sys(mprotect, code, 8192, PROT_READ | PROT_WRITE));
  emit(code, 99);
  show("back to execute", sys(mprotect, code, 8192, PROT_READ | PROT_EXEC));
  say("now %d\n", function());
  long pid = must(fork());
  if (pid == 0) {
    must(sys(mprotect, code, 8192, PROT_READ | PROT_WRITE | PROT_EXEC));
    emit(code, 5);
    quit(function());
  }
  show_wait("a child changes its own", pid);
  say("the parent's is %d\n", function());
  must(sys(munmap, code, 8192));
  PROBE("jalr t0, t1", code, 0), show_probe("unmapped", (uintptr_t)code);
  return 0;
}
