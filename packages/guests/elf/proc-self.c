/* /proc/self: exe, cwd, fd, cmdline, maps, stat. */
#include "guest.h"

static char buffer[8192];

static long slurp(const char *path) {
  long fd = openat(path, O_RDONLY, 0), size = 0, n;
  if (fd < 0) return show(path, fd);
  while ((n = must(sys(read, fd, buffer + size, sizeof buffer - 1 - (size_t)size))) > 0) size += n;
  buffer[size] = 0;
  sys(close, fd);
  return size;
}

static int contains(const char *part) {
  size_t n = length(part);
  for (char *p = buffer; *p; p++) {
    if (memcmp(p, part, n) == 0) return 1;
  }
  return 0;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)envp;
  long n = sys(readlinkat, AT_FDCWD, "/proc/self/exe", buffer, 1000);
  buffer[n < 0 ? 0 : n] = 0;
  say("exe is argv[0] %d\n", same(buffer, argv[0]));
  n = sys(readlinkat, AT_FDCWD, "/proc/self/cwd", buffer, 1000);
  buffer[n < 0 ? 0 : n] = 0;
  say("cwd \"%s\"\n", buffer);
  put_file("file", "through /proc");
  long fd = must(openat("file", O_RDONLY, 0));
  n = sys(readlinkat, AT_FDCWD, "/proc/self/fd/3", buffer, 1000);
  buffer[n < 0 ? 0 : n] = 0;
  say("descriptor %ld is \"%s\"\n", fd, buffer);
  n = slurp("/proc/self/cmdline");
  say("cmdline %ld: first is argv[0] %d, second \"%s\"\n", n - (long)length(argv[0]), same(buffer, argv[0]), buffer + length(buffer) + 1);
  slurp("/proc/self/maps");
  say("maps: executable %d, stack %d, the program %d\n", contains(" r-xp "), contains("[stack]"), contains(argv[0]));
  slurp("/proc/self/comm");
  say("comm %s", buffer);
  say("a directory of its own pid %d\n", ({
        char *p = buffer;
        memcpy(p, "/proc/", 6), p += 6;
        char digits[12];
        int k = 0;
        for (long pid = getpid(); pid; pid /= 10) digits[k++] = (char)('0' + pid % 10);
        while (k) *p++ = digits[--k];
        memcpy(p, "/maps", 6);
        openat(buffer, O_RDONLY, 0) > 0;
      }));
  show("a missing entry", openat("/proc/self/nothing", O_RDONLY, 0));
  show("create in /proc", openat("/proc/self/new", O_CREAT | O_WRONLY, 0644) < 0);
  show_ok("open by descriptor path", openat("/proc/self/fd/3", O_RDONLY, 0));
  slurp("/proc/meminfo");
  say("meminfo %d\n", contains("MemTotal:"));
  slurp("/proc/cpuinfo");
  say("cpuinfo %d\n", contains("processor"));
  return 0;
}
