/* umask, chmod, chown and access, as root. */
#include "guest.h"

static void mode_of(const char *path) {
  struct stat st;
  must(sys(newfstatat, AT_FDCWD, path, &st, 0));
  say("%s: %o uid %d gid %d\n", path, st.st_mode, st.st_uid, st.st_gid);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  say("umask %o\n", (unsigned)sys(umask, 027));
  must(openat("f", O_CREAT | O_WRONLY, 0666));
  must(sys(mkdirat, AT_FDCWD, "d", 0777));
  must(sys(mkdirat, AT_FDCWD, "sticky", 01777));
  mode_of("f"), mode_of("d"), mode_of("sticky");
  say("umask %o\n", (unsigned)sys(umask, 07777));
  say("umask %o\n", (unsigned)sys(umask, 022));
  show("chmod ignores the umask", sys(fchmodat, AT_FDCWD, "f", 0666));
  mode_of("f");
  show("chmod with the special bits", sys(fchmodat, AT_FDCWD, "f", 06755));
  mode_of("f");
  long fd = must(openat("f", O_WRONLY, 0));
  show("fchmod", sys(fchmod, fd, 0400));
  mode_of("f");
  show("chmod of nothing", sys(fchmodat, AT_FDCWD, "none", 0600));
  show("chown", sys(fchownat, AT_FDCWD, "f", 12, 34, 0));
  mode_of("f");
  show("chown of the group alone", sys(fchownat, AT_FDCWD, "f", -1, 56, 0));
  mode_of("f");
  show("fchown", sys(fchown, fd, 0, 0));
  mode_of("f");
  show("access F_OK", sys(faccessat, AT_FDCWD, "f", 0));
  show("access R_OK", sys(faccessat, AT_FDCWD, "f", 4));
  show("access W_OK of a read-only file, as root", sys(faccessat, AT_FDCWD, "f", 2));
  show("access X_OK of a file nobody may execute", sys(faccessat, AT_FDCWD, "f", 1));
  must(sys(fchmodat, AT_FDCWD, "f", 0010));
  show("access X_OK when somebody may", sys(faccessat, AT_FDCWD, "f", 1));
  show("access X_OK of a directory", sys(faccessat, AT_FDCWD, "d", 1));
  show("access of nothing", sys(faccessat, AT_FDCWD, "none", 0));
  show("access with a bad mode", sys(faccessat, AT_FDCWD, "f", 8));
  show("faccessat2", sys(faccessat2, AT_FDCWD, "f", 4, AT_EACCESS));
  must(sys(symlinkat, "none", AT_FDCWD, "s"));
  show("access through a dangling link", sys(faccessat, AT_FDCWD, "s", 0));
  show_ok("open a file without any mode bits, as root", openat("f", O_RDWR, 0));
  return 0;
}
