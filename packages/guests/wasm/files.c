/* Files through a pre-opened directory: create, write, read, seek, positioned access, size, append, rename, unlink. */
#include "guest.h"

static char buffer[64];

static void show_read(const char *what, fd_t fd, size_t size) {
  struct part part = {buffer, size};
  size_t n = 0;
  int error = fd_read(fd, &part, 1, &n);
  if (error) { show(what, error); return; }
  buffer[n] = 0;
  say("%s: %u \"%s\"\n", what, (unsigned)n, buffer);
}

void _start(void) {
  fd_t dir = work_directory(), fd, other;
  size_t n;
  uint64_t at;
  struct filestat stat;
  show("open a missing file", open_at(dir, "f", 0, RIGHTS_FILE, 0, &fd));
  show("create", open_at(dir, "f", O_CREAT | O_EXCL, RIGHTS_FILE, 0, &fd));
  show("create it again with O_EXCL", open_at(dir, "f", O_CREAT | O_EXCL, RIGHTS_FILE, 0, &other));
  struct part parts[3] = {{"01234", 5}, {"", 0}, {"56789", 5}};
  must(fd_write(fd, parts, 3, &n));
  say("written %u\n", (unsigned)n);
  must(fd_tell(fd, &at));
  say("position %u\n", (unsigned)at);
  show_read("at the end", fd, 10);
  must(fd_seek(fd, 3, 0, &at));
  show_read("from 3", fd, 4);
  must(fd_seek(fd, -2, 2, &at));
  say("two before the end %u\n", (unsigned)at);
  show_read("short", fd, 10);
  show("seek before the start", fd_seek(fd, -1, 0, &at));
  show("bad whence", fd_seek(fd, 0, 9, &at));
  struct part one = {buffer, 3};
  must(fd_pread(fd, &one, 1, 5, &n));
  say("pread %u %c%c%c\n", (unsigned)n, buffer[0], buffer[1], buffer[2]);
  struct part cat = {"XY", 2};
  must(fd_pwrite(fd, &cat, 1, 12, &n));
  must(fd_tell(fd, &at));
  say("position unchanged %u\n", (unsigned)at);
  must(fd_filestat_get(fd, &stat));
  say("size %u type %d links %u\n", (unsigned)stat.size, stat.type, (unsigned)stat.links);
  show("set size", fd_filestat_set_size(fd, 4));
  must(fd_seek(fd, 0, 0, &at));
  show_read("cut", fd, 20);
  show("sync", fd_sync(fd));
  show("datasync", fd_datasync(fd));
  show("set times", fd_filestat_set_times(fd, 1000000000ull * 1000000000, 1234567890ull * 1000000000, 1 | 4));
  must(fd_filestat_get(fd, &stat));
  say("accessed %llu modified %llu\n", (unsigned long long)stat.accessed, (unsigned long long)stat.modified);
  show("close", fd_close(fd));
  show("close again", fd_close(fd));
  must(open_at(dir, "f", 0, RIGHTS_FILE, FD_APPEND, &fd));
  must(fd_write(fd, &cat, 1, &n));
  must(fd_close(fd));
  must(open_at(dir, "f", 0, RIGHTS_READ_ONLY, 0, &fd));
  show_read("appended", fd, 20);
  must(fd_close(fd));
  show("rename", path_rename(dir, "f", 1, dir, "g", 1));
  show("the old name", open_at(dir, "f", 0, RIGHTS_READ_ONLY, 0, &fd));
  show("link", path_link(dir, 0, "g", 1, dir, "h", 1));
  must(path_filestat_get(dir, 0, "g", 1, &stat));
  say("links %u\n", (unsigned)stat.links);
  must(open_at(dir, "g", O_TRUNC, RIGHTS_FILE, 0, &fd));
  show_read("truncated", fd, 20);
  show("unlink", path_unlink_file(dir, "g", 1));
  show("unlink again", path_unlink_file(dir, "g", 1));
  struct part late = {"late", 4};
  show("write to the unlinked file", fd_write(fd, &late, 1, &n));
  must(open_at(dir, "h", 0, RIGHTS_READ_ONLY, 0, &other));
  show_read("through its other name", other, 20);
}
