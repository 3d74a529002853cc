/* Writes of up to PIPE_BUF bytes from four processes never mix (pipe(7)). */
#include "guest.h"

#define RECORD 512
#define EACH 100
static unsigned char record[RECORD];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int p[2];
  must(sys(pipe2, p, 0));
  for (int writer = 0; writer < 4; writer++) {
    if (must(fork()) != 0) continue;
    sys(close, p[0]);
    memset(record, 'A' + writer, RECORD);
    for (int i = 0; i < EACH; i++) must(sys(write, p[1], record, RECORD));
    quit(0);
  }
  sys(close, p[1]);
  int counts[4] = {0}, mixed = 0;
  for (;;) {
    long size = 0, n = 1;
    while (size < RECORD && (n = must(sys(read, p[0], record + size, RECORD - (size_t)size))) > 0) size += n;
    if (n == 0) break;
    int writer = record[0] - 'A';
    for (int i = 0; i < RECORD; i++) mixed += record[i] != record[0];
    if (writer >= 0 && writer < 4) counts[writer]++;
  }
  for (int i = 0; i < 4; i++) show_wait("writer", -1);
  say("records %d %d %d %d, mixed %d\n", counts[0], counts[1], counts[2], counts[3], mixed);
  return 0;
}
