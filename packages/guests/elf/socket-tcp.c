/* TCP over the loop-back: connect, accept, data both ways, end of stream, refused. */
#include "guest.h"

struct address { uint16_t family, port; uint8_t ip[4]; uint8_t zero[8]; };

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  struct address at = {2, 0, {127, 0, 0, 1}, {0}}, peer;
  int size = sizeof at, one = 1;
  static char buffer[65536];
  long server = must(sys(socket, 2, 1, 0));
  show("SO_REUSEADDR", sys(setsockopt, server, 1, 2, &one, 4));
  show("bind to any port", sys(bind, server, &at, sizeof at));
  show("getsockname", sys(getsockname, server, &at, &size));
  say("got a port %d, size %d\n", at.port != 0, size);
  show("listen", sys(listen, server, 5));
  long pid = must(fork());
  if (pid == 0) {
    sys(close, server);
    long client = must(sys(socket, 2, 1, 0));
    must(sys(connect, client, &at, sizeof at));
    must(sys(setsockopt, client, 6, 1, &one, 4)); /* TCP_NODELAY */
    long total = 0, n;
    while ((n = must(sys(read, client, buffer, sizeof buffer))) > 0) total += n;
    must(sys(write, client, &total, 8));
    quit(0);
  }
  size = sizeof peer;
  long connection = must(sys(accept4, server, &peer, &size, 0));
  say("peer family %d, from %d.%d.%d.%d\n", peer.family, peer.ip[0], peer.ip[1], peer.ip[2], peer.ip[3]);
  for (int i = 0; i < 5; i++) {
    for (long at_byte = 0; at_byte < (long)sizeof buffer;) at_byte += must(sys(write, connection, buffer + at_byte, sizeof buffer - (size_t)at_byte));
  }
  show("shutdown for writing", sys(shutdown, connection, 1));
  long total = 0;
  show("read the count", sys(read, connection, &total, 8));
  show("bytes that arrived", total);
  show("end", sys(read, connection, &total, 8));
  sys(close, connection);
  show_wait("client", pid);
  sys(close, server);
  show("connect when nobody listens", sys(connect, sys(socket, 2, 1, 0), &at, sizeof at));
  show("write without a connection", sys(sendto, sys(socket, 2, 1, 0), "x", 1, 0x4000, NULL, 0));
  show("getpeername without one", sys(getpeername, sys(socket, 2, 1, 0), &peer, &size));
  show("bad family", sys(socket, 99, 1, 0));
  return 0;
}
