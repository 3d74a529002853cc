/* mkdir, rmdir, unlink and their errors; getdents64 over more entries than one call returns. */
#include "guest.h"

struct dirent64 { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[]; };
static char buffer[2048];
static char names[400][24];

static int list(const char *path, int *calls, int *types) {
  long fd = must(openat(path, O_RDONLY | O_DIRECTORY, 0)), n;
  int count = 0;
  *calls = 0;
  while ((n = must(sys(getdents64, fd, buffer, sizeof buffer))) > 0) {
    ++*calls;
    for (long at = 0; at < n;) {
      struct dirent64 *entry = (struct dirent64 *)(buffer + at);
      if (count < 400 && length(entry->name) < 24) {
        memcpy(names[count], entry->name, length(entry->name) + 1);
        types[count++] = entry->type;
      }
      at += entry->reclen;
    }
  }
  sys(close, fd);
  return count;
}

static void name_of(char *to, int i) {
  memcpy(to, "many/file-000", 14);
  to[10] += (char)(i / 100), to[11] += (char)(i / 10 % 10), to[12] += (char)(i % 10);
}

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  static int types[400];
  int calls;
  show("mkdir", sys(mkdirat, AT_FDCWD, "d", 0755));
  show("mkdir again", sys(mkdirat, AT_FDCWD, "d", 0755));
  show("mkdir in a missing one", sys(mkdirat, AT_FDCWD, "no/d", 0755));
  show("mkdir with a trailing slash", sys(mkdirat, AT_FDCWD, "e/", 0755));
  put_file("d/f", "x");
  show("mkdir below a file", sys(mkdirat, AT_FDCWD, "d/f/x", 0755));
  show("rmdir when not empty", sys(unlinkat, AT_FDCWD, "d", AT_REMOVEDIR));
  show("unlink a directory", sys(unlinkat, AT_FDCWD, "d", 0));
  show("rmdir a file", sys(unlinkat, AT_FDCWD, "d/f", AT_REMOVEDIR));
  show("rmdir .", sys(unlinkat, AT_FDCWD, "e/.", AT_REMOVEDIR));
  show("rmdir ..", sys(unlinkat, AT_FDCWD, "e/..", AT_REMOVEDIR));
  show("unlink", sys(unlinkat, AT_FDCWD, "d/f", 0));
  show("unlink again", sys(unlinkat, AT_FDCWD, "d/f", 0));
  show("rmdir", sys(unlinkat, AT_FDCWD, "d", AT_REMOVEDIR));
  int count = list("e", &calls, types), dots = 0;
  for (int i = 0; i < count; i++) dots += same(names[i], ".") || same(names[i], "..");
  say("an empty directory lists %d, dots %d\n", count, dots);

  must(sys(mkdirat, AT_FDCWD, "many", 0755));
  char path[16];
  for (int i = 0; i < 300; i++) name_of(path, i), put_file(path, "");
  must(sys(mkdirat, AT_FDCWD, "many/dir", 0755));
  must(sys(symlinkat, "x", AT_FDCWD, "many/link"));
  count = list("many", &calls, types);
  int seen[300] = {0}, directories = 0, links = 0, files = 0, twice = 0;
  for (int i = 0; i < count; i++) {
    directories += types[i] == 4, files += types[i] == 8, links += types[i] == 10;
    if (length(names[i]) == 8 && names[i][0] == 'f') twice += seen[number(names[i] + 5)]++ != 0;
  }
  say("count %d, directories %d, files %d, links %d, twice %d, several calls %d\n", count, directories, files, links, twice, calls > 1);

  long fd = must(openat("many", O_RDONLY | O_DIRECTORY, 0));
  long first = must(sys(getdents64, fd, buffer, 256));
  must(sys(lseek, fd, 0, SEEK_SET));
  say("rewound, same size %d\n", sys(getdents64, fd, buffer, 256) == first);
  show("a buffer too small for one entry", sys(getdents64, fd, buffer, 8));
  sys(close, fd);
  fd = must(openat("many/file-000", O_RDONLY, 0));
  show("getdents of a file", sys(getdents64, fd, buffer, sizeof buffer));
  for (int i = 0; i < 300; i++) name_of(path, i), must(sys(unlinkat, AT_FDCWD, path, 0));
  say("left %d\n", list("many", &calls, types));
  fd = must(openat("e", O_RDONLY | O_DIRECTORY, 0));
  must(sys(unlinkat, AT_FDCWD, "e", AT_REMOVEDIR));
  show("getdents of a removed directory", sys(getdents64, fd, buffer, sizeof buffer));
  show("create in a removed directory", sys(openat, fd, "x", O_CREAT | O_WRONLY, 0644));
  return 0;
}
