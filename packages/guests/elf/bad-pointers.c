/* Addresses that are not the program's give EFAULT, never a signal. */
#include "guest.h"

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  put_file("f", "content of some length");
  long fd = must(openat("f", O_RDWR, 0));
  char *page = (char *)must(sys(mmap, NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  must(sys(mprotect, page + 4096, 4096, PROT_NONE));
  char *edge = page + 4096, *readonly = (char *)must(sys(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  show("read to 0", sys(read, fd, NULL, 10));
  show("read to the kernel's half", sys(read, fd, 0xffffffc000000000, 10));
  show("read to a non-canonical address", sys(read, fd, 0x4000000000000000, 10));
  show("read to read-only memory", sys(read, fd, readonly, 10));
  show("read of length zero to 0", sys(read, fd, NULL, 0));
  show("write from 0", sys(write, fd, NULL, 10));
  show("write from PROT_NONE", sys(write, fd, edge, 10));
  must(sys(lseek, fd, 0, SEEK_SET));
  show("read across the edge", sys(read, fd, edge - 4, 10));
  say("%c%c%c%c\n", edge[-4], edge[-3], edge[-2], edge[-1]);
  show("write across the edge", sys(write, 1, "", 0) + sys(write, fd, edge - 4, 10));
  show("open a path at 0", openat(NULL, O_RDONLY, 0));
  memcpy(edge - 2, "f", 2);
  show_ok("open a path that ends at the edge", openat(edge - 2, O_RDONLY, 0));
  edge[-1] = 'x';
  show("open a path that crosses it", openat(edge - 2, O_RDONLY, 0));
  show("fstat", sys(fstat, fd, edge - 8));
  show("newfstatat", sys(newfstatat, AT_FDCWD, "f", NULL, 0));
  show("getcwd", sys(getcwd, NULL, 100));
  show("pipe2", sys(pipe2, 8, 0));
  show("the next descriptor, none leaked", sys(dup, 0));
  show("clock_gettime", sys(clock_gettime, CLOCK_MONOTONIC, 8));
  show("nanosleep", sys(nanosleep, 8, NULL));
  show("rt_sigaction", sys(rt_sigaction, SIGUSR1, 8, NULL, 8));
  show("rt_sigprocmask", sys(rt_sigprocmask, SIG_BLOCK, 8, NULL, 8));
  show("sigaltstack", sys(sigaltstack, 8, NULL));
  show("getdents64", sys(getdents64, must(openat(".", O_RDONLY, 0)), 8, 100));
  show("readlinkat", sys(symlinkat, "x", AT_FDCWD, "s") + sys(readlinkat, AT_FDCWD, "s", 8, 10));
  show("execve path", sys(execve, 8, NULL, NULL));
  char *bad[] = {"x", (char *)8, NULL};
  show("execve argument", sys(execve, argv[0], bad, NULL));
  show("execve environment", sys(execve, argv[0], argv, 8));
  show("ppoll", sys(ppoll, 8, 1, NULL, NULL, 0));
  show("futex", sys(futex, 8, FUTEX_WAKE, 1));
  show("futex unaligned", sys(futex, page + 1, FUTEX_WAKE, 1));
  show("futex wait", sys(futex, 8, FUTEX_WAIT, 1, NULL));
  long pid = must(fork());
  if (pid == 0) quit(0);
  show("wait4 status", sys(wait4, pid, 8, 0, NULL));
  show("and the child is gone", sys(wait4, pid, NULL, 0, NULL));
  return 0;
}
