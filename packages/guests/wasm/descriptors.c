/* fdstat of the standard streams, flags, renumbering, bad descriptors. */
#include "guest.h"

void _start(void) {
  struct fdstat stat;
  fd_t dir = work_directory(), a, b;
  size_t n;
  for (int fd = 0; fd < 3; fd++) {
    must(fd_fdstat_get(fd, &stat));
    say("%d: readable %d writable %d seekable %d\n", fd, fd == 0 ? (stat.rights & RIGHT_READ) != 0 : 0, fd > 0 ? (stat.rights & RIGHT_WRITE) != 0 : 0,
        (stat.rights & RIGHT_SEEK) != 0 && stat.type == TYPE_FILE);
  }
  must(fd_fdstat_get(dir, &stat));
  say("directory type %d\n", stat.type);
  must(open_at(dir, "a", O_CREAT, RIGHTS_FILE, 0, &a));
  must(open_at(dir, "b", O_CREAT, RIGHTS_FILE, 0, &b));
  must(fd_fdstat_get(a, &stat));
  say("file type %d appends %d\n", stat.type, stat.flags & FD_APPEND);
  struct part part = {"to a", 4};
  must(fd_write(a, &part, 1, &n));
  show("renumber", fd_renumber(a, b));
  show("the old number", fd_fdstat_get(a, &stat));
  struct filestat file;
  must(fd_filestat_get(b, &file));
  say("the new one is a, size %u\n", (unsigned)file.size);
  show("close", fd_close(b));
  show("bad descriptor", fd_fdstat_get(99, &stat));
  show("read from it", fd_read(99, &part, 1, &n));
  show("write to it", fd_write(99, &part, 1, &n));
  show("renumber from it", fd_renumber(99, 1));
  show("advise", open_at(dir, "a", 0, RIGHTS_FILE, 0, &a) || fd_advise(a, 0, 10, 0));
}
