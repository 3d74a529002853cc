/* Long names, long paths, deep trees, chains of links, odd slashes. */
#include "guest.h"

static char text[5000];

static void repeat(const char *part, int times) {
  size_t n = length(part);
  for (int i = 0; i < times; i++) memcpy(text + (size_t)i * n, part, n);
  text[(size_t)times * n] = 0;
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  repeat("n", 255);
  show_ok("a name of 255", openat(text, O_CREAT | O_WRONLY, 0644));
  repeat("n", 256);
  show("a name of 256", openat(text, O_CREAT | O_WRONLY, 0644));
  show("mkdir of it", sys(mkdirat, AT_FDCWD, text, 0755));
  show("stat of it", sys(newfstatat, AT_FDCWD, text, text + 512, 0));
  repeat("./", 2047);
  text[4094] = '.', text[4095] = 0;
  show_ok("a path of 4095", openat(text, O_RDONLY, 0));
  repeat("./", 2048);
  show("a path of 4096", openat(text, O_RDONLY, 0));
  show("empty", openat("", O_RDONLY, 0));
  show_ok("many slashes", openat("//tmp///.//", O_RDONLY, 0));
  put_file("f", "x");
  show("a slash behind a file", openat("f/", O_RDONLY, 0));
  show("a dot behind a file", openat("f/.", O_RDONLY, 0));
  show("dots behind a file", openat("f/..", O_RDONLY, 0));
  show("dots behind nothing", openat("none/../f", O_RDONLY, 0));
  show("create with a trailing slash", openat("new/", O_CREAT | O_WRONLY, 0644));
  show_ok("/..", openat("/..", O_RDONLY, 0));
  show("create /", openat("/", O_CREAT | O_WRONLY, 0644));
  show("mkdir /", sys(mkdirat, AT_FDCWD, "/", 0755));
  show("rmdir /", sys(unlinkat, AT_FDCWD, "/", AT_REMOVEDIR));

  /* A tree 300 deep, walked down step by step, and up again in one path. */
  for (int i = 0; i < 300; i++) {
    must(sys(mkdirat, AT_FDCWD, "dir", 0755));
    must(sys(chdir, "dir"));
  }
  put_file("bottom", "down here");
  repeat("../", 300);
  show("300 up", sys(chdir, text));
  show_file("f");
  repeat("dir/", 300);
  memcpy(text + 1200, "bottom", 7);
  long fd = show_ok("300 down", openat(text, O_RDONLY, 0));
  must(sys(read, fd, text, 9));
  say("%c%c%c%c\n", text[0], text[1], text[2], text[3]);

  /* Forty links may be followed in one look-up, not forty-one. */
  char name[8] = "l00", target[8] = "f";
  for (int i = 0; i <= 40; i++) {
    name[1] = (char)('0' + i / 10), name[2] = (char)('0' + i % 10);
    must(sys(symlinkat, target, AT_FDCWD, name));
    memcpy(target, name, 4);
  }
  show_ok("a chain of 40 links", openat("l39", O_RDONLY, 0));
  show("a chain of 41 links", openat("l40", O_RDONLY, 0));
  repeat("t", 4095);
  show("a target of 4095", sys(symlinkat, text, AT_FDCWD, "long"));
  repeat("t", 4096);
  show("a target of 4096", sys(symlinkat, text, AT_FDCWD, "longer"));
  show("bytes that are not UTF-8", sys(mkdirat, AT_FDCWD, "\xff\xfe", 0755));
  show_ok("and again by name", openat("\xff\xfe", O_RDONLY, 0));
  return 0;
}
