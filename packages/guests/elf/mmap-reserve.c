/* Reservations as Go, glibc and Java make them: large PROT_NONE ranges that cost nothing, committed piece by piece. */
#include "guest.h"

#define MB (1UL << 20)

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  char *big[4];
  for (int i = 0; i < 4; i++)
    big[i] = (char *)must(sys(mmap, NULL, 512 * MB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  say("reserved 4 x 512 MB\n");
  PROBE("lb t2, 0(t1)", big[0] + 100 * MB + 5, 0), show_probe("load from a reservation", (uintptr_t)big[0]);
  PROBE("sb t2, 0(t1)", big[0] + 4, 0), show_probe("store to a reservation", (uintptr_t)big[0]);
  char *piece = big[1] + 64 * MB;
  say("commit with MAP_FIXED %d\n", sys(mmap, piece, 4 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (long)piece);
  piece[0] = 1, piece[4 * MB - 1] = 2;
  say("committed %d %d %d\n", piece[0], piece[2 * MB], piece[4 * MB - 1]);
  PROBE("lb t2, 0(t1)", piece - 1, 0), show_probe("just before", (uintptr_t)piece);
  PROBE("lb t2, 0(t1)", piece + 4 * MB, 0), show_probe("just behind", (uintptr_t)piece);
  show("commit with mprotect", sys(mprotect, big[2] + 8 * MB, MB, PROT_READ | PROT_WRITE));
  big[2][8 * MB + 77] = 7;
  say("%d\n", big[2][8 * MB + 77]);
  show("give back with mprotect", sys(mprotect, big[2] + 8 * MB, MB, PROT_NONE));
  PROBE("lb t2, 0(t1)", big[2] + 8 * MB + 77, 0), show_probe("given back", (uintptr_t)big[2]);
  show("and commit again", sys(mprotect, big[2] + 8 * MB, MB, PROT_READ));
  say("content kept %d\n", big[2][8 * MB + 77]);
  show("MADV_DONTNEED", sys(madvise, piece, 4 * MB, MADV_DONTNEED));
  say("zero %d %d, still writable\n", piece[0], piece[4 * MB - 1]);
  piece[5] = 5;
  show("trim the head", sys(munmap, big[3], 100 * MB));
  show("trim the tail", sys(munmap, big[3] + 164 * MB, 348 * MB));
  PROBE("lb t2, 0(t1)", big[3], 0), show_probe("trimmed", (uintptr_t)big[3]);
  PROBE("lb t2, 0(t1)", big[3] + 100 * MB, 0), show_probe("kept, but not committed", (uintptr_t)big[3]);
  show("munmap the rest", sys(munmap, big[3] + 100 * MB, 64 * MB));
  return 0;
}
