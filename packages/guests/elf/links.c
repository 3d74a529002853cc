/* Hard and symbolic links: counts, following, dangling, loops, readlink. */
#include "guest.h"

static int links_of(const char *path, int flags) {
  struct stat st;
  long r = sys(newfstatat, AT_FDCWD, path, &st, flags);
  return r < 0 ? (int)r : (int)st.st_nlink;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  char text[64];
  put_file("a", "content");
  show("link", sys(linkat, AT_FDCWD, "a", AT_FDCWD, "b", 0));
  show("link again", sys(linkat, AT_FDCWD, "a", AT_FDCWD, "b", 0));
  say("links %d %d\n", links_of("a", 0), links_of("b", 0));
  struct stat one, two;
  must(sys(newfstatat, AT_FDCWD, "a", &one, 0));
  must(sys(newfstatat, AT_FDCWD, "b", &two, 0));
  say("same file %d\n", one.st_ino == two.st_ino && one.st_dev == two.st_dev);
  long fd = must(openat("b", O_WRONLY | O_APPEND, 0));
  must(sys(write, fd, "+", 1));
  show_file("a");
  must(sys(unlinkat, AT_FDCWD, "a", 0));
  say("links %d\n", links_of("b", 0));
  must(sys(unlinkat, AT_FDCWD, "b", 0));
  must(sys(fstat, fd, &one));
  say("open and unlinked: links %d size %ld\n", (int)one.st_nlink, (long)one.st_size);
  show("writing to it", sys(write, fd, "!", 1));
  must(sys(mkdirat, AT_FDCWD, "d", 0755));
  show("link a directory", sys(linkat, AT_FDCWD, "d", AT_FDCWD, "e", 0));
  say("links of an empty directory %d\n", links_of("d", 0));
  must(sys(mkdirat, AT_FDCWD, "d/sub", 0755));
  say("with a directory in it %d\n", links_of("d", 0));

  put_file("d/f", "in d");
  show("symlink", sys(symlinkat, "d/f", AT_FDCWD, "s"));
  show("symlink again", sys(symlinkat, "d/f", AT_FDCWD, "s"));
  show("empty target", sys(symlinkat, "", AT_FDCWD, "t"));
  show_file("s");
  long n = show("readlink", sys(readlinkat, AT_FDCWD, "s", text, sizeof text));
  text[n] = 0;
  say("\"%s\"\n", text);
  show("readlink cut short", sys(readlinkat, AT_FDCWD, "s", text, 2));
  show("readlink of a file", sys(readlinkat, AT_FDCWD, "d/f", text, sizeof text));
  show("readlink into nothing", sys(readlinkat, AT_FDCWD, "s", text, 0));
  must(sys(newfstatat, AT_FDCWD, "s", &one, AT_SYMLINK_NOFOLLOW));
  say("lstat mode %o size %ld\n", one.st_mode, (long)one.st_size);
  must(sys(symlinkat, "d", AT_FDCWD, "dir"));
  show_file("dir/f");
  show_file("dir/../d/f");
  show("O_NOFOLLOW", openat("s", O_RDONLY | O_NOFOLLOW, 0));
  show("O_DIRECTORY through a link", openat("dir", O_RDONLY | O_DIRECTORY, 0) > 0);
  show("rmdir of a link", sys(unlinkat, AT_FDCWD, "dir", AT_REMOVEDIR));
  must(sys(symlinkat, "nowhere", AT_FDCWD, "dangling"));
  show("open a dangling link", openat("dangling", O_RDONLY, 0));
  show("O_CREAT|O_EXCL on it", openat("dangling", O_RDWR | O_CREAT | O_EXCL, 0644));
  show_ok("O_CREAT through it", openat("dangling", O_RDWR | O_CREAT, 0644));
  say("the target is there now: links %d\n", links_of("nowhere", 0));
  must(sys(symlinkat, "loop2", AT_FDCWD, "loop1"));
  must(sys(symlinkat, "loop1", AT_FDCWD, "loop2"));
  show("a loop", openat("loop1", O_RDONLY, 0));
  show("unlink a part of it", sys(unlinkat, AT_FDCWD, "loop1", 0));
  show("link to a symbolic link", sys(linkat, AT_FDCWD, "s", AT_FDCWD, "s2", 0));
  must(sys(newfstatat, AT_FDCWD, "s2", &one, AT_SYMLINK_NOFOLLOW));
  say("is a link itself %d\n", S_ISLNK(one.st_mode));
  show("link following it", sys(linkat, AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
  must(sys(newfstatat, AT_FDCWD, "s3", &one, AT_SYMLINK_NOFOLLOW));
  say("is a file %d\n", S_ISREG(one.st_mode));
  show("absolute link", sys(symlinkat, "/tmp/d/f", AT_FDCWD, "abs"));
  show_file("abs");
  show("symlink with O_PATH", openat("s", O_PATH | O_NOFOLLOW, 0) > 0);
  return 0;
}
