/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole run-time library of the riscv64 guests: start-up, raw system calls, printing, and a few helpers.
 * No libc, so that a guest makes exactly the system calls that its source shows, and stays a few kilobytes small.
 *
 * Rules for guests:
 * - one behaviour each; what is printed is the same on every run (no pids, inode numbers, addresses, times);
 * - report what the kernel answered with show(), rather than deciding here what is right: expected.json holds Linux's answers;
 * - must() is for steps that are not the subject: it ends the guest with status 99 when one fails;
 * - the working directory is empty and writable, and argv[0] is a path by which the guest can be executed again.
 *
 * Structures and constants come from the kernel's own headers for user space.
 */
#ifndef GUEST_H
#define GUEST_H

#include <asm/poll.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel has these in a header of its own only for block devices. */
enum { SEEK_SET, SEEK_CUR, SEEK_END };

int main(int argc, char **argv, char **envp);

/* ---- start-up: the kernel enters with sp at argc ---- */

__asm__(".globl _start\n.type _start,@function\n_start:\n"
        ".option push\n.option norelax\n  la gp, __global_pointer$\n.option pop\n"
        "  mv a0, sp\n  andi sp, sp, -16\n  call guest_start\n.size _start,.-_start\n");

/* ---- system calls: the raw result, negative errno on failure ---- */

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
  register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d, a4 __asm__("a4") = e, a5 __asm__("a5") = f;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
  return a0;
}
#define SYS_ARGUMENTS(a, b, c, d, e, f, ...) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)
/* sys(read, fd, buffer, size): absent arguments are zero. */
#define sys(name, ...) sys6(__NR_##name, SYS_ARGUMENTS(__VA_ARGS__ __VA_OPT__(, ) 0, 0, 0, 0, 0, 0))

__attribute__((noreturn, used)) static void quit(int status) {
  for (;;) sys(exit_group, status);
}

__attribute__((noreturn, used)) void guest_start(long *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  quit(main(argc, argv, argv + argc + 1));
}

/* ---- memory and strings; the compiler calls the first three by itself ---- */

__attribute__((used)) void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}
__attribute__((used)) void *memset(void *to, int byte, size_t size) {
  for (size_t i = 0; i < size; i++) ((volatile char *)to)[i] = (char)byte;
  return to;
}
__attribute__((used)) int memcmp(const void *a, const void *b, size_t size) {
  for (size_t i = 0; i < size; i++) {
    int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
    if (difference) return difference;
  }
  return 0;
}
static inline size_t length(const char *s) {
  size_t n = 0;
  while (s[n]) n++;
  return n;
}
static inline int same(const char *a, const char *b) {
  return length(a) == length(b) && memcmp(a, b, length(a)) == 0;
}
static inline long number(const char *s) {
  long n = 0;
  while (*s >= '0' && *s <= '9') n = n * 10 + (*s++ - '0');
  return n;
}

/* ---- printing ---- */

/* Names of the errors that guests meet. */
static inline const char *error_name(long error) {
#define NAME(e) case e: return #e;
  switch (error) {
    NAME(EPERM) NAME(ENOENT) NAME(ESRCH) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(E2BIG) NAME(ENOEXEC) NAME(EBADF) NAME(ECHILD)
    NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT) NAME(EBUSY) NAME(EEXIST) NAME(EXDEV) NAME(ENODEV) NAME(ENOTDIR)
    NAME(EISDIR) NAME(EINVAL) NAME(ENFILE) NAME(EMFILE) NAME(ENOTTY) NAME(ETXTBSY) NAME(EFBIG) NAME(ENOSPC) NAME(ESPIPE)
    NAME(EROFS) NAME(EMLINK) NAME(EPIPE) NAME(ERANGE) NAME(EDEADLK) NAME(ENAMETOOLONG) NAME(ENOSYS) NAME(ENOTEMPTY) NAME(ELOOP)
    NAME(EOVERFLOW) NAME(ENOTSOCK) NAME(EDESTADDRREQ) NAME(EMSGSIZE) NAME(EPROTOTYPE) NAME(ENOPROTOOPT) NAME(EPROTONOSUPPORT)
    NAME(EOPNOTSUPP) NAME(EAFNOSUPPORT) NAME(EADDRINUSE) NAME(EADDRNOTAVAIL) NAME(ECONNABORTED) NAME(ECONNRESET) NAME(EISCONN)
    NAME(ENOTCONN) NAME(ETIMEDOUT) NAME(ECONNREFUSED) NAME(EALREADY) NAME(EINPROGRESS) NAME(ESTALE) NAME(ECANCELED)
  }
#undef NAME
  return NULL;
}

struct text { char bytes[1024]; size_t size; };

static inline void text_char(struct text *t, char c) {
  if (t->size < sizeof t->bytes) t->bytes[t->size++] = c;
}
static inline void text_string(struct text *t, const char *s) {
  while (*s) text_char(t, *s++);
}
static inline void text_unsigned(struct text *t, unsigned long value, unsigned base, int width) {
  char digits[64];
  int n = 0;
  do digits[n++] = "0123456789abcdef"[value % base];
  while ((value /= base) || n < width);
  while (n) text_char(t, digits[--n]);
}
/* A part of printf: %s %c %d %u %x %ld %lu %lx, %o and %lo, widths padded with zeros (%04x), %%. */
static inline void text_format(struct text *t, const char *format, va_list arguments) {
  for (; *format; format++) {
    if (*format != '%') { text_char(t, *format); continue; }
    int width = 0, wide = 0;
    while (*++format >= '0' && *format <= '9') width = width * 10 + (*format - '0');
    if (*format == 'l') wide = 1, format++;
    switch (*format) {
      case 's': text_string(t, va_arg(arguments, const char *)); break;
      case 'c': text_char(t, (char)va_arg(arguments, int)); break;
      case 'd': {
        long value = wide ? va_arg(arguments, long) : va_arg(arguments, int);
        if (value < 0) text_char(t, '-');
        text_unsigned(t, value < 0 ? 0UL - (unsigned long)value : (unsigned long)value, 10, width);
        break;
      }
      case 'u': case 'x': case 'o': {
        unsigned long value = wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
        text_unsigned(t, value, *format == 'u' ? 10 : *format == 'x' ? 16 : 8, width);
        break;
      }
      default: text_char(t, *format);
    }
  }
}
static inline void text_write(struct text *t, int fd) {
  for (size_t done = 0; done < t->size;) {
    long n = sys(write, fd, t->bytes + done, t->size - done);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n <= 0) quit(98);
    done += (size_t)n;
  }
}
/* Each call is one write, so lines of several processes do not mix. */
__attribute__((format(printf, 2, 3))) static inline void say_to(int fd, const char *format, ...) {
  struct text t = {.size = 0};
  va_list arguments;
  va_start(arguments, format);
  text_format(&t, format, arguments);
  va_end(arguments);
  text_write(&t, fd);
}
#define say(...) say_to(1, __VA_ARGS__)

/* "what: 5" or "what: ENOENT". */
static inline long show(const char *what, long result) {
  const char *name = result < 0 ? error_name(-result) : NULL;
  if (name) say("%s: %s\n", what, name);
  else say("%s: %ld\n", what, result);
  return result;
}
/* Success is only "ok": for results that differ from run to run. */
static inline long show_ok(const char *what, long result) {
  if (result < 0) return show(what, result);
  say("%s: ok\n", what);
  return result;
}
static inline long must_at(long result, const char *what, int line) {
  if (result >= 0) return result;
  const char *name = error_name(-result);
  say_to(2, "line %d: %s: %s %ld\n", line, what, name ? name : "?", result);
  quit(99);
}
#define must(call) must_at(call, #call, __LINE__)

/* ---- processes ---- */

static inline long fork(void) { return sys(clone, SIGCHLD); }
static inline long getpid(void) { return sys(getpid); }

/* Wait for the child and describe how it ended: "exit 3", "signal 15", "stopped 19", "continued". */
static inline void show_status(const char *what, int status) {
  if (status == 0xffff) say("%s: continued\n", what);
  else if ((status & 0xff) == 0x7f) say("%s: stopped %d\n", what, (status >> 8) & 0xff);
  else if (status & 0x7f) say("%s: signal %d\n", what, status & 0x7f);
  else say("%s: exit %d\n", what, (status >> 8) & 0xff);
}
static inline void show_wait(const char *what, long pid) {
  int status = 0;
  long r;
  do r = sys(wait4, pid, &status, 0, 0);
  while (r == -EINTR);
  if (r < 0) show(what, r);
  else show_status(what, status);
}

/* ---- files ---- */

static inline long openat(const char *path, int flags, int mode) { return sys(openat, AT_FDCWD, path, flags, mode); }
static inline void put_file(const char *path, const char *content) {
  long fd = must(openat(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  must(sys(write, fd, content, length(content)));
  must(sys(close, fd));
}
/* Prints the first 200 bytes of a file. */
static inline void show_file(const char *path) {
  char bytes[201];
  long fd = openat(path, O_RDONLY, 0);
  if (fd < 0) { show(path, fd); return; }
  long n = must(sys(read, fd, bytes, 200));
  bytes[n] = 0;
  say("%s = \"%s\"\n", path, bytes);
  must(sys(close, fd));
}

/* ---- time ---- */

static inline int64_t now_ns(int clock) {
  struct timespec t;
  must(sys(clock_gettime, clock, &t));
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
static inline void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (sys(nanosleep, &t, &t) == -EINTR) {}
}

/* ---- signals ---- */

typedef void (*signal_action)(int signal, siginfo_t *info, struct ucontext *context);
#define SIGNAL_BIT(signal) (1UL << ((signal) - 1))

static inline long on_signal_masked(int signal, signal_action action, unsigned long flags, unsigned long mask) {
  struct sigaction a = {.sa_handler = (__sighandler_t)action, .sa_flags = flags, .sa_mask = {{mask}}};
  return sys(rt_sigaction, signal, &a, NULL, sizeof(sigset_t));
}
static inline long on_signal(int signal, signal_action action, unsigned long flags) {
  return on_signal_masked(signal, action, flags | SA_SIGINFO, 0);
}
static inline long signal_mask(int how, unsigned long set, unsigned long *old) {
  return sys(rt_sigprocmask, how, &set, old, sizeof(sigset_t));
}

/* ---- memory accesses that may fault: the handler goes on behind the access and leaves what it was told ---- */

static struct { volatile long recover; volatile int signal, code; volatile uintptr_t address; } probe;

static inline void probe_handler(int signal, siginfo_t *info, struct ucontext *context) {
  if (!probe.recover) quit(97);
  probe.signal = signal;
  probe.code = info->si_code;
  probe.address = (uintptr_t)info->si_addr;
  context->uc_mcontext.sc_regs.pc = (unsigned long)probe.recover;
}
static inline void probe_install(void) {
  must(on_signal(SIGSEGV, probe_handler, 0));
  must(on_signal(SIGBUS, probe_handler, 0));
  must(on_signal(SIGILL, probe_handler, 0));
  must(on_signal(SIGTRAP, probe_handler, 0));
}
/* Runs one instruction with `in` as address (register t1) and value in t2; afterwards probe.signal is 0 when nothing came. */
#define PROBE(instruction, in, value)                                                                             \
  ({                                                                                                              \
    register long t1 __asm__("t1") = (long)(in), t2 __asm__("t2") = (long)(value);                                \
    probe.signal = 0, probe.code = 0, probe.address = 0;                                                          \
    __asm__ volatile("la t0, 1f\n sd t0, 0(%2)\n" instruction "\n 1: sd zero, 0(%2)"                              \
                     : "+r"(t1), "+r"(t2) : "r"(&probe.recover) : "t0", "memory");                                \
    t2;                                                                                                           \
  })
/* Prints how an access ended; addresses are told relative to base. */
static inline void show_probe(const char *what, uintptr_t base) {
  if (!probe.signal) say("%s: no fault\n", what);
  else say("%s: signal %d code %d address base+%ld\n", what, probe.signal, probe.code, (long)(probe.address - base));
}

#endif
