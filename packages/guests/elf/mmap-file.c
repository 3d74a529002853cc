/* Mapped files: private copies, shared writes, beyond the end, cut short, after close. */
#include "guest.h"

static char page[4096];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  probe_install();
  long fd = must(openat("f", O_RDWR | O_CREAT, 0644));
  for (int i = 0; i < 3; i++) {
    memset(page, 'a' + i, 4096);
    must(sys(write, fd, page, i == 2 ? 1000 : 4096));
  }
  char *private = (char *)must(sys(mmap, NULL, 9192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  char *shared = (char *)must(sys(mmap, NULL, 9192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  char *second = (char *)must(sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096));
  say("%c %c %c, second page %c\n", private[0], private[4096], private[9191], second[0]);
  say("zero behind the end %d %d\n", private[9192], private[3 * 4096 - 1]);
  private[0] = 'P';
  shared[1] = 'S';
  say("private %c%c shared %c%c\n", private[0], 0 + private[4097], shared[0], shared[1]);
  must(sys(pread64, fd, page, 2, 0));
  say("the file has %c%c\n", page[0], page[1]);
  must(sys(pwrite64, fd, "W", 1, 4100));
  say("a write shows in the shared mapping '%c'\n", shared[4100]);
  show("close", sys(close, fd));
  shared[5000] = 'C';
  fd = must(openat("f", O_RDWR, 0));
  must(sys(pread64, fd, page, 1, 5000));
  say("still mapped after close, the file has '%c'\n", page[0]);
  show("msync", sys(msync, shared, 9192, MS_SYNC));
  show("msync unaligned", sys(msync, shared + 1, 10, MS_SYNC));
  show("msync of nothing mapped", sys(msync, 0x10000000000, 4096, MS_SYNC));

  char *beyond = (char *)must(sys(mmap, NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  PROBE("lb t2, 0(t1)", beyond + 3 * 4096 - 1, 0), show_probe("in the last page, behind the end", (uintptr_t)beyond);
  PROBE("lb t2, 0(t1)", beyond + 3 * 4096, 0), show_probe("in the page behind it", (uintptr_t)beyond);
  PROBE("sb t2, 0(t1)", beyond + 4 * 4096 + 5, 1), show_probe("store there", (uintptr_t)beyond);
  must(sys(ftruncate, fd, 5 * 4096));
  PROBE("sb t2, 0(t1)", beyond + 4 * 4096 + 5, 'T'), show_probe("after the file has grown", (uintptr_t)beyond);
  must(sys(pread64, fd, page, 1, 4 * 4096 + 5));
  say("the file has '%c'\n", page[0]);
  must(sys(ftruncate, fd, 4096));
  PROBE("lb t2, 0(t1)", beyond + 2 * 4096, 0), show_probe("after it has shrunk", (uintptr_t)beyond);

  long reader = must(openat("f", O_RDONLY, 0));
  show("shared and writable of a file open for reading", sys(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
  show("private and writable of it", sys(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0) > 0);
  long writer = must(openat("f", O_WRONLY, 0));
  show("readable of a file open for writing", sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, writer, 0));
  int p[2];
  must(sys(pipe2, p, 0));
  show("a pipe", sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], 0));
  show("a directory", sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, openat(".", O_RDONLY, 0), 0));

  long pid = must(fork());
  if (pid == 0) {
    shared[10] = 'F', private[10] = 'F';
    quit(0);
  }
  show_wait("child", pid);
  say("after fork: shared '%c' private '%c'\n", shared[10], private[10]);

  long cut = must(openat("g", O_RDWR | O_CREAT, 0644));
  must(sys(ftruncate, cut, 3 * 4096));
  char *copies = (char *)must(sys(mmap, NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, cut, 0));
  copies[4096] = copies[8000] = copies[8192] = 'K';
  must(sys(pipe2, p, 0));
  pid = must(fork());
  if (pid == 0) must(sys(read, p[0], page, 1));
  else {
    must(sys(ftruncate, cut, 5000)), must(sys(write, p[1], page, 1));
    show_wait("child", pid);
  }
  say("private copies in the last page '%c', behind the end '%c'\n", copies[4096], copies[8000]);
  PROBE("lb t2, 0(t1)", copies + 8192, 0), show_probe("in the page behind it", (uintptr_t)copies);
  show("write from there", sys(write, p[1], copies + 8192, 1));
  if (pid == 0) quit(0);
  must(sys(ftruncate, cut, 3 * 4096));
  say("after the file has grown '%c' %d\n", copies[4096], copies[8192]);
  must(openat("g", O_RDWR | O_TRUNC, 0));
  PROBE("lb t2, 0(t1)", copies + 4096, 0), show_probe("after it was opened empty", (uintptr_t)copies);

  char *self = (char *)must(sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, must(openat(argv[0], O_RDONLY, 0)), 0));
  say("the program itself begins with %c%c%c\n", self[1], self[2], self[3]);
  return 0;
}
