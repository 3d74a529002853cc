/* What the initial stack holds: arguments, environment and the auxiliary vector (System V ABI, "Process Initialization"). */
#include "guest.h"
#include <linux/auxvec.h>

extern char _start[];

int main(int argc, char **argv, char **envp) {
  say("argc %d\n", argc);
  for (int i = 1; i < argc; i++) say("argv[%d] \"%s\"\n", i, argv[i]);
  say("argv ends %d\n", argv[argc] == NULL);
  int n = 0;
  for (; envp[n]; n++) say("env \"%s\"\n", envp[n]);
  say("count %d\n", n);

  unsigned long seen[64] = {0};
  unsigned long present = 0;
  for (unsigned long *aux = (unsigned long *)(envp + n + 1); aux[0] != AT_NULL; aux += 2) {
    if (aux[0] < 64) seen[aux[0]] = aux[1], present |= 1UL << aux[0];
  }
  say("AT_PAGESZ %lu\n", seen[AT_PAGESZ]);
  say("AT_ENTRY is _start %d\n", seen[AT_ENTRY] == (unsigned long)_start);
  say("AT_PHENT %lu AT_PHNUM > 0 %d\n", seen[AT_PHENT], seen[AT_PHNUM] > 0);
  say("AT_PHDR in the image %d\n", seen[AT_PHDR] > 0x10000 && seen[AT_PHDR] < (unsigned long)_start);
  say("AT_UID %lu AT_EUID %lu AT_GID %lu AT_EGID %lu AT_SECURE %lu\n", seen[AT_UID], seen[AT_EUID], seen[AT_GID], seen[AT_EGID], seen[AT_SECURE]);
  say("AT_RANDOM %d AT_EXECFN is argv[0] %d\n", seen[AT_RANDOM] != 0, same((char *)seen[AT_EXECFN], argv[0]));
  say("AT_HWCAP IMAFDC %d\n", (seen[AT_HWCAP] & 0x112d) == 0x112d);
  say("AT_CLKTCK %lu AT_BASE %lu AT_FLAGS %lu\n", seen[AT_CLKTCK], seen[AT_BASE], seen[AT_FLAGS]);
  say("present PHDR %d RANDOM %d SECURE %d\n", (int)(present >> AT_PHDR & 1), (int)(present >> AT_RANDOM & 1), (int)(present >> AT_SECURE & 1));
  say("argc aligned to 16 %d\n", ((unsigned long)(argv - 1) & 15) == 0);
  return 0;
}
