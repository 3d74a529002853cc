/* Directories and symbolic links: create, list in pieces, remove, errors, and no way out of the pre-opened directory. */
#include "guest.h"

static char buffer[512], names[64][32];
static uint8_t types[64];

/* Reads the directory in pieces of `size` bytes; an entry that was cut off is read again from its predecessor's cookie. */
static int list(fd_t dir, size_t size) {
  uint64_t cookie = 0;
  int count = 0;
  for (;;) {
    size_t used = 0;
    must(fd_readdir(dir, buffer, size, cookie, &used));
    size_t at = 0;
    while (at + 24 <= used) {
      struct dirent entry;
      memcpy(&entry, buffer + at, 24);
      if (at + 24 + entry.name_size > used) break;
      if (count < 64 && entry.name_size < 32) {
        memcpy(names[count], buffer + at + 24, entry.name_size);
        names[count][entry.name_size] = 0;
        types[count++] = entry.type;
      }
      cookie = entry.next;
      at += 24 + entry.name_size;
    }
    if (used < size) return count;
  }
}
/* Every host lists in an order of its own, and some list . and .. and others not. */
static void show_list(const char *what, int count) {
  say("%s:", what);
  for (;;) {
    int least = -1;
    for (int i = 0; i < count; i++) {
      if (names[i][0] == 0 || same(names[i], ".") || same(names[i], "..")) continue;
      if (least < 0 || memcmp(names[i], names[least], 32) < 0) least = i;
    }
    if (least < 0) break;
    say(" %s/%d", names[least], types[least]);
    memset(names[least], 0, 32);
  }
  say("\n");
}

void _start(void) {
  fd_t dir = work_directory(), sub, fd;
  size_t n;
  struct filestat stat;
  show("mkdir", path_create_directory(dir, "d", 1));
  show("mkdir again", path_create_directory(dir, "d", 1));
  show("mkdir below nothing", path_create_directory(dir, "no/d", 4));
  must(path_filestat_get(dir, 0, "d", 1, &stat));
  say("type %d\n", stat.type);
  must(open_directory(dir, "d", &sub));
  char name[8] = "file-00";
  for (int i = 0; i < 12; i++) {
    name[5] = (char)('0' + i / 10), name[6] = (char)('0' + i % 10);
    must(open_at(sub, name, O_CREAT, RIGHTS_FILE, 0, &fd));
    must(fd_close(fd));
  }
  must(path_create_directory(sub, "inner", 5));
  show("symlink", path_symlink("file-00", 7, sub, "link", 4));
  memset(names, 0, sizeof names);
  show_list("in one piece", list(sub, sizeof buffer));
  memset(names, 0, sizeof names);
  show_list("in small pieces", list(sub, 64));
  must(path_readlink(sub, "link", 4, buffer, sizeof buffer, &n));
  buffer[n] = 0;
  say("readlink \"%s\"\n", buffer);
  show("readlink of a file", path_readlink(sub, "file-00", 7, buffer, sizeof buffer, &n));
  must(path_filestat_get(sub, 0, "link", 4, &stat));
  say("not followed: type %d\n", stat.type);
  must(path_filestat_get(sub, 1, "link", 4, &stat));
  say("followed: type %d\n", stat.type);
  show("open following", path_open(sub, 1, "link", 4, 0, RIGHTS_READ_ONLY, 0, 0, &fd));
  show("remove when not empty", path_remove_directory(dir, "d", 1));
  show("remove a file as directory", path_remove_directory(sub, "file-00", 7));
  show("O_DIRECTORY on a file", open_at(sub, "file-00", O_DIRECTORY, RIGHTS_READ_ONLY, 0, &fd));
  show("remove", path_remove_directory(sub, "inner", 5));
  show("remove again", path_remove_directory(sub, "inner", 5));
  show("up inside", open_at(dir, "d/../d/file-01", 0, RIGHTS_READ_ONLY, 0, &fd));
}
