/* Named UNIX sockets: bind, listen, connect, accept between processes; errors. */
#include "guest.h"

struct address { uint16_t family; char path[108]; };

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct address at = {1, "socket"}, other = {1, "nothing"}, peer;
  int size = sizeof peer, value = 0, value_size = 4;
  char buffer[64];
  long server = must(sys(socket, 1, 1, 0));
  show("connect to nothing", sys(connect, server, &other, sizeof other));
  show("bind", sys(bind, server, &at, sizeof at));
  show("bind again", sys(bind, sys(socket, 1, 1, 0), &at, sizeof at));
  show("connect before listen", sys(connect, sys(socket, 1, 1, 0), &at, sizeof at));
  show("accept before listen", sys(accept4, server, NULL, NULL, 0));
  show("listen", sys(listen, server, 5));
  struct stat st;
  must(sys(newfstatat, AT_FDCWD, "socket", &st, 0));
  say("a socket in the file system %d\n", S_ISSOCK(st.st_mode));
  show("open it", openat("socket", O_RDWR, 0));
  long pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 2; i++) {
      long client = must(sys(socket, 1, 1, 0));
      must(sys(connect, client, &at, sizeof at));
      must(sys(write, client, i ? "second" : "first", i ? 6 : 5));
      long n = must(sys(read, client, buffer, 64));
      if (n != 5 || memcmp(buffer, "reply", 5) != 0) quit(1);
      sys(close, client);
    }
    quit(0);
  }
  for (int i = 0; i < 2; i++) {
    long connection = show_ok("accept", sys(accept4, server, &peer, &size, 0));
    long n = must(sys(read, connection, buffer, 63));
    buffer[n] = 0;
    say("\"%s\"\n", buffer);
    must(sys(write, connection, "reply", 5));
    show("end", sys(read, connection, buffer, 64));
    sys(close, connection);
  }
  show_wait("client", pid);
  must(sys(fcntl, server, F_SETFL, O_NONBLOCK));
  show("accept without a client", sys(accept4, server, NULL, NULL, 0));
  size = sizeof peer;
  show("getsockname", sys(getsockname, server, &peer, &size));
  say("family %d path \"%s\"\n", peer.family, peer.path);
  show("getpeername", sys(getpeername, server, &peer, &size));
  show("SO_TYPE", sys(getsockopt, server, 1, 3, &value, &value_size));
  say("%d\n", value);
  show("SO_ACCEPTCONN", sys(getsockopt, server, 1, 30, &value, &value_size));
  say("%d\n", value);
  long late = must(sys(socket, 1, 1, 0));
  must(sys(connect, late, &at, sizeof at));
  struct { int fd; short events, revents; } entry = {(int)server, POLLIN, 0};
  struct timespec zero = {0, 0};
  show("a waiting connection is readable", sys(ppoll, &entry, 1, &zero, NULL, 0));
  sys(close, server);
  show("connect after close", sys(connect, sys(socket, 1, 1, 0), &at, sizeof at));
  show("unlink", sys(unlinkat, AT_FDCWD, "socket", 0));
  return 0;
}
