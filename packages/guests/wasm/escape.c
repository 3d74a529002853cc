/* What a program must not reach: paths that lead out of a pre-opened directory, by .., absolutely, or through a link. */
#include "guest.h"

void _start(void) {
  fd_t dir = work_directory(), sub, fd;
  must(path_create_directory(dir, "box", 3));
  must(open_directory(dir, "box", &sub));
  must(open_at(dir, "outside", O_CREAT, RIGHTS_FILE, 0, &fd));
  must(open_at(sub, "inside", O_CREAT, RIGHTS_FILE, 0, &fd));
  say("inside: %d\n", open_at(sub, "inside", 0, RIGHTS_READ_ONLY, 0, &fd) == 0);
  say("above: %d\n", open_at(sub, "../outside", 0, RIGHTS_READ_ONLY, 0, &fd) == 0);
  say("absolute: %d\n", open_at(sub, "/tmp/outside", 0, RIGHTS_READ_ONLY, 0, &fd) == 0);
  say("the directory above: %d\n", open_at(sub, "..", O_DIRECTORY, RIGHT_READDIR, 0, &fd) == 0);
  path_symlink("../outside", 10, sub, "link", 4); /* some hosts refuse already this */
  say("a link that leads out: %d\n", open_at(sub, "link", 0, RIGHTS_READ_ONLY, 0, &fd) == 0);
  say("create above: %d\n", open_at(sub, "../new", O_CREAT, RIGHTS_FILE, 0, &fd) == 0);
  say("mkdir above: %d\n", path_create_directory(sub, "../new", 6) == 0);
  say("rename to above: %d\n", path_rename(sub, "inside", 6, sub, "../moved", 8) == 0);
  say("unlink above: %d\n", path_unlink_file(sub, "../outside", 10) == 0);
  say("outside is untouched: %d\n", open_at(dir, "outside", 0, RIGHTS_READ_ONLY, 0, &fd) == 0);
}
