/* Paths relative to descriptors, the working directory, and getcwd. */
#include "guest.h"

static char path[4096];

static void show_cwd(const char *what) {
  long n = sys(getcwd, path, sizeof path);
  if (n < 0) show(what, n);
  else say("%s: \"%s\" (%ld)\n", what, path, n);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  show_cwd("start");
  must(sys(mkdirat, AT_FDCWD, "a", 0755));
  must(sys(mkdirat, AT_FDCWD, "a/b", 0755));
  put_file("a/b/f", "deep");
  long a = must(openat("a", O_RDONLY | O_DIRECTORY, 0));
  long f = must(sys(openat, a, "b/f", O_RDONLY, 0));
  char c = 0;
  must(sys(read, f, &c, 1));
  say("through a descriptor '%c'\n", c);
  show("relative to a file", sys(openat, f, "x", O_RDONLY, 0));
  show("relative to nothing", sys(openat, 77, "x", O_RDONLY, 0));
  show_ok("an absolute path ignores the descriptor", sys(openat, 77, "/tmp/a/b/f", O_RDONLY, 0));
  show("mkdirat", sys(mkdirat, a, "c", 0755));
  show("symlinkat", sys(symlinkat, "b/f", a, "s"));
  show("linkat across descriptors", sys(linkat, a, "b/f", AT_FDCWD, "linked", 0));
  show("renameat2 across descriptors", sys(renameat2, AT_FDCWD, "linked", a, "c/moved", 0));
  show_file("a/c/moved");
  show_file("a/s");
  show("unlinkat", sys(unlinkat, a, "c/moved", 0));
  show("chdir", sys(chdir, "a/b"));
  show_cwd("now");
  show_file("f");
  show_file("../s");
  show("chdir ..", sys(chdir, ".."));
  show_cwd("now");
  show("chdir to a file", sys(chdir, "b/f"));
  show("chdir to nothing", sys(chdir, "nothing"));
  show_cwd("unchanged");
  must(sys(chdir, "/"));
  show_cwd("root");
  show("above the root", sys(chdir, "../../.."));
  show_cwd("still");
  show("fchdir", sys(fchdir, a));
  show_cwd("now");
  show("fchdir to a file", sys(fchdir, f));
  show("fchdir to a bad descriptor", sys(fchdir, 77));
  show("a buffer too small", sys(getcwd, path, 3));
  must(sys(symlinkat, "b", AT_FDCWD, "link"));
  must(sys(chdir, "link"));
  show_cwd("through a link");
  must(sys(renameat2, a, "b", a, "renamed", 0));
  show_cwd("renamed below us");
  must(sys(unlinkat, AT_FDCWD, "f", 0));
  must(sys(unlinkat, a, "renamed", AT_REMOVEDIR));
  show_cwd("removed");
  show("create in a removed directory", openat("x", O_CREAT | O_WRONLY, 0644));
  show("chdir .. from there", sys(chdir, ".."));
  long opath = must(openat("/tmp/a", O_PATH | O_DIRECTORY, 0));
  show("read an O_PATH descriptor", sys(read, opath, path, 1));
  show("look up through it", sys(openat, opath, "c", O_RDONLY, 0) > 0);
  return 0;
}
