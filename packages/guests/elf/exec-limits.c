/* Many and long arguments pass through execve; too many do not. */
#include "guest.h"

static char *arguments[20001];
static char big[140000];

int main(int argc, char **argv, char **envp) {
  if (argc > 1) {
    unsigned long sum = 0;
    for (int i = 1; i < argc; i++) {
      for (char *p = argv[i]; *p; p++) sum = sum * 31 + (unsigned char)*p;
    }
    say("argc %d sum %lx env %d\n", argc, sum, envp[0] != NULL);
    return 0;
  }
  char *environment[] = {"A=1", NULL};
  for (int mode = 0; mode < 4; mode++) {
    int count = mode == 0 ? 1000 : mode == 1 ? 20000 : 2;
    long size = mode == 0 ? 10 : mode == 1 ? 3 : mode == 2 ? 131071 : 131072; /* MAX_ARG_STRLEN counts the zero */
    memset(big, 'x', (size_t)size);
    big[size] = 0;
    arguments[0] = argv[0];
    for (int i = 1; i < count; i++) arguments[i] = big;
    arguments[count] = NULL;
    long pid = must(fork());
    if (pid == 0) {
      show("execve", sys(execve, argv[0], arguments, environment));
      quit(1);
    }
    show_wait("child", pid);
  }
  return 0;
}
