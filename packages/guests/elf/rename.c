/* rename of files and directories, replacement, RENAME_NOREPLACE and RENAME_EXCHANGE, errors. */
#include "guest.h"

static long move(const char *from, const char *to, int flags) { return sys(renameat2, AT_FDCWD, from, AT_FDCWD, to, flags); }

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  put_file("a", "A");
  put_file("b", "B");
  show("file to a new name", move("a", "c", 0));
  show_file("a");
  show_file("c");
  show("over another file", move("c", "b", 0));
  show_file("b");
  show("missing", move("c", "d", 0));
  show("to itself", move("b", "b", 0));
  must(sys(mkdirat, AT_FDCWD, "d", 0755));
  must(sys(mkdirat, AT_FDCWD, "e", 0755));
  show("file over a directory", move("b", "d", 0));
  show("directory over a file", move("d", "b", 0));
  show("into a directory", move("b", "d/b", 0));
  show_file("d/b");
  show("directory over an empty one", move("d", "e", 0));
  show_file("e/b");
  must(sys(mkdirat, AT_FDCWD, "d", 0755));
  show("directory over a full one", move("d", "e", 0));
  show("directory into itself", move("e", "e/x", 0));
  show("directory below itself", move("e", "e/x/y", 0));
  show("full directory over an empty one", move("e", "d", 0));
  show_file("d/b");
  put_file("x", "X");
  put_file("y", "Y");
  show("NOREPLACE over a file", move("x", "y", 1));
  show("NOREPLACE to a new name", move("x", "z", 1));
  show("EXCHANGE", move("y", "z", 2));
  show_file("y");
  show_file("z");
  show("both flags", move("y", "z", 3));
  show(".", move(".", "q", 0));
  show("a trailing slash on a file", move("y", "q/", 0));
  show("directory with a trailing slash", move("d/", "q/", 0));
  long fd = must(openat("y", O_RDONLY, 0));
  must(move("z", "y", 0));
  char c = 0;
  must(sys(read, fd, &c, 1));
  say("an open file that was replaced still reads '%c'\n", c);
  struct stat st;
  must(sys(fstat, fd, &st));
  say("its links %d\n", (int)st.st_nlink);
  must(sys(linkat, AT_FDCWD, "y", AT_FDCWD, "same", 0));
  show("between two links of one file", move("y", "same", 0));
  show_file("y");
  show_file("same");
  must(sys(symlinkat, "same", AT_FDCWD, "link"));
  show("a symbolic link itself", move("link", "moved", 0));
  show_file("moved");
  return 0;
}
