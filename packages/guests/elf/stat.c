/* The fields of stat and statx for each kind of file, and set times. */
#include "guest.h"

static void describe(const char *what, long result, const struct stat *st) {
  if (result < 0) { show(what, result); return; }
  say("%s: mode %o links %d uid %d gid %d size %ld\n", what, st->st_mode, S_ISDIR(st->st_mode) ? 0 : (int)st->st_nlink, st->st_uid, st->st_gid,
      S_ISDIR(st->st_mode) ? 0L : (long)st->st_size);
}
static void of(const char *what, const char *path, int flags) {
  struct stat st;
  describe(what, sys(newfstatat, AT_FDCWD, path, &st, flags), &st);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct stat st;
  put_file("f", "12345");
  must(sys(mkdirat, AT_FDCWD, "d", 0750));
  must(sys(symlinkat, "f", AT_FDCWD, "s"));
  must(sys(mknodat, AT_FDCWD, "p", S_IFIFO | 0600, 0));
  of("file", "f", 0);
  of("directory", "d", 0);
  of("link followed", "s", 0);
  of("link itself", "s", AT_SYMLINK_NOFOLLOW);
  of("fifo", "p", 0);
  of("missing", "x", 0);
  of("below a file", "f/x", 0);
  of("empty path", "", 0);
  of("bad flags", "f", 0x8000000);
  long fd = must(openat("f", O_RDONLY, 0));
  describe("fstat", sys(fstat, fd, &st), &st);
  describe("AT_EMPTY_PATH", sys(newfstatat, fd, "", &st, AT_EMPTY_PATH), &st);
  describe("bad descriptor", sys(fstat, 77, &st), &st);
  describe("relative to a file", sys(newfstatat, fd, "x", &st, 0), &st);
  must(sys(newfstatat, AT_FDCWD, "/dev/null", &st, 0));
  say("/dev/null: mode %o device %lx\n", st.st_mode & S_IFMT, (unsigned long)st.st_rdev);
  must(sys(newfstatat, AT_FDCWD, "/dev/zero", &st, 0));
  say("/dev/zero: mode %o device %lx\n", st.st_mode & S_IFMT, (unsigned long)st.st_rdev);
  int pipes[2];
  must(sys(pipe2, pipes, 0));
  describe("pipe", sys(fstat, pipes[0], &st), &st);
  must(sys(newfstatat, AT_FDCWD, "f", &st, 0));
  say("blocks > 0 %d, blksize >= 512 %d\n", st.st_blocks > 0, st.st_blksize >= 512);

  struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
  show("utimensat", sys(utimensat, AT_FDCWD, "f", times, 0));
  must(sys(newfstatat, AT_FDCWD, "f", &st, 0));
  say("atime %ld.%09lu mtime %ld.%09lu\n", (long)st.st_atime, (unsigned long)st.st_atime_nsec, (long)st.st_mtime, (unsigned long)st.st_mtime_nsec);
  struct timespec omit[2] = {{0, (1 << 30) - 2}, {5, 0}}; /* UTIME_OMIT */
  show("utimensat with UTIME_OMIT", sys(utimensat, AT_FDCWD, "f", omit, 0));
  must(sys(newfstatat, AT_FDCWD, "f", &st, 0));
  say("atime %ld mtime %ld\n", (long)st.st_atime, (long)st.st_mtime);
  show("utimensat of a descriptor, now", sys(utimensat, fd, NULL, NULL, 0));
  must(sys(fstat, fd, &st));
  int64_t now = now_ns(CLOCK_REALTIME) / 1000000000;
  say("mtime is now %d\n", st.st_mtime <= now + 1 && st.st_mtime >= now - 60);
  struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
  show("bad nanoseconds", sys(utimensat, AT_FDCWD, "f", bad, 0));
  long before = (long)st.st_mtime * 1000000000 + (long)st.st_mtime_nsec;
  must(sys(utimensat, AT_FDCWD, "f", omit, 0));
  put_file("f", "changed");
  must(sys(newfstatat, AT_FDCWD, "f", &st, 0));
  say("a write sets mtime %d\n", (long)st.st_mtime * 1000000000 + (long)st.st_mtime_nsec >= before);

  struct statx sx;
  show("statx", sys(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
  say("mode %o links %u size %lu mask %d\n", sx.stx_mode, sx.stx_nlink, (unsigned long)sx.stx_size, (sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  show("statx of a missing file", sys(statx, AT_FDCWD, "x", 0, STATX_BASIC_STATS, &sx));
  return 0;
}
