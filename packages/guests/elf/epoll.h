/* SPDX-License-Identifier: Apache-2.0
 * What the epoll guests share. The kernel's structure is packed only on x86. */
#ifndef EPOLL_H
#define EPOLL_H

#include "guest.h"

enum { EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16, EPOLLRDHUP = 0x2000 };
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
enum { ADD = 1, DELETE, MODIFY };

struct epoll_event { uint32_t events; uint64_t data; };

static inline long control(long epoll, int operation, long fd, uint32_t events) {
  struct epoll_event event = {events, (uint64_t)fd};
  return sys(epoll_ctl, epoll, operation, fd, &event);
}
/* Prints how many are ready and which events, in the order of descriptors, told as offsets from the lowest one given. */
static inline long show_ready(const char *what, long epoll, int timeout_ms, long base) {
  struct epoll_event events[8];
  long n = sys(epoll_pwait, epoll, events, 8, timeout_ms, NULL, 8);
  if (n < 0) return show(what, n);
  say("%s: %ld", what, n);
  for (int low = 0; low < 64; low++) {
    for (long i = 0; i < n; i++) {
      if ((long)events[i].data - base == low) say(" +%d=%x", low, events[i].events);
    }
  }
  say("\n");
  return n;
}

#endif
