/* socketpair: both ways, shutdown, datagram boundaries, EPIPE, passing a descriptor. */
#include "guest.h"
#include <linux/socket.h>
#include <linux/un.h>

enum { STREAM = 1, DATAGRAM = 2, PEEK = 2, DONTWAIT = 0x40, NOSIGNAL = 0x4000, RIGHTS = 1, SOCKET_LEVEL = 1, UNIX = 1 };

struct message { void *name; int name_size; struct iovec *parts; size_t count; void *control; size_t control_size; int flags; };
struct control { size_t size; int level, type, fd, padding; };

static char buffer[64];

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  int s[2];
  show("socketpair", sys(socketpair, UNIX, STREAM, 0, s));
  show("write", sys(write, s[0], "hello", 5));
  show("write", sys(write, s[0], "world", 5));
  show("a stream joins them", sys(read, s[1], buffer, 64));
  show("the other way", sys(sendto, s[1], "back", 4, 0, NULL, 0));
  show("peek", sys(recvfrom, s[0], buffer, 64, PEEK, NULL, NULL));
  show("take", sys(recvfrom, s[0], buffer, 2, 0, NULL, NULL));
  show("the rest", sys(recvfrom, s[0], buffer, 64, 0, NULL, NULL));
  show("nothing", sys(recvfrom, s[0], buffer, 64, DONTWAIT, NULL, NULL));
  show("shutdown for writing", sys(shutdown, s[0], 1));
  show("the peer sees the end", sys(read, s[1], buffer, 64));
  show("the other way still works", sys(write, s[1], "x", 1));
  show("read", sys(read, s[0], buffer, 64));
  show("write after shutdown", sys(sendto, s[0], "x", 1, NOSIGNAL, NULL, 0));
  sys(close, s[0]);
  show("write to a closed peer", sys(sendto, s[1], "x", 1, NOSIGNAL, NULL, 0));
  show("lseek", sys(lseek, s[1], 0, SEEK_SET));
  struct stat st;
  must(sys(fstat, s[1], &st));
  say("mode %o\n", st.st_mode);

  must(sys(socketpair, UNIX, DATAGRAM, 0, s));
  must(sys(write, s[0], "one", 3));
  must(sys(write, s[0], "", 0));
  must(sys(write, s[0], "three", 5));
  show("a datagram", sys(read, s[1], buffer, 64));
  show("an empty one", sys(read, s[1], buffer, 64));
  show("one cut short", sys(read, s[1], buffer, 2));
  show("none", sys(recvfrom, s[1], buffer, 64, DONTWAIT, NULL, NULL));

  must(sys(socketpair, UNIX, STREAM | O_CLOEXEC | O_NONBLOCK, 0, s));
  show("FD_CLOEXEC", sys(fcntl, s[0], F_GETFD));
  show("read without blocking", sys(read, s[0], buffer, 1));
  put_file("f", "passed on");
  long fd = must(openat("f", O_RDONLY, 0));
  struct iovec part = {"d", 1};
  struct control control = {20, SOCKET_LEVEL, RIGHTS, (int)fd, 0};
  struct message message = {NULL, 0, &part, 1, &control, 20, 0};
  show("send a descriptor", sys(sendmsg, s[0], &message, 0));
  sys(close, fd);
  part.iov_base = buffer;
  control.fd = -1;
  message.control_size = 24;
  show("receive it", sys(recvmsg, s[1], &message, 0));
  show("read through it", sys(read, control.fd, buffer, 64));
  show("bad family", sys(socketpair, 99, STREAM, 0, s));
  show("bad type", sys(socketpair, UNIX, 77, 0, s));
  show("not a socket", sys(sendto, openat("f", O_RDWR, 0), "x", 1, 0, NULL, 0));
  return 0;
}
