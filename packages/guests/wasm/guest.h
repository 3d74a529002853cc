/* SPDX-License-Identifier: Apache-2.0
 *
 * The run-time library of the WASI guests: the imports of preview 1 that they use, printing, and looking a path up in the
 * pre-opened directories. No libc, so that each import called is one that the source shows.
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 *
 * Rules for guests: as in elf/guest.h. The directory /tmp is empty, writable and reachable through a pre-opened directory.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef int32_t fd_t;
struct part { const void *bytes; size_t size; };
struct fdstat { uint8_t type; uint16_t flags; uint64_t rights, inheriting; };
struct filestat { uint64_t device, inode; uint8_t type; uint64_t links, size, accessed, modified, changed; };
struct prestat { uint8_t tag; size_t name_size; };
struct dirent { uint64_t next, inode; uint32_t name_size; uint8_t type; };
struct subscription {
  uint64_t userdata;
  uint8_t tag;
  union {
    struct { uint32_t id; uint64_t timeout, precision; uint16_t flags; } clock;
    fd_t fd;
  };
};
struct event { uint64_t userdata; uint16_t error; uint8_t type; uint64_t bytes; uint16_t flags; };

enum { CLOCK_REALTIME, CLOCK_MONOTONIC };
enum { TYPE_BLOCK = 1, TYPE_CHARACTER, TYPE_DIRECTORY, TYPE_FILE, TYPE_DATAGRAM, TYPE_STREAM, TYPE_LINK };
enum { O_CREAT = 1, O_DIRECTORY = 2, O_EXCL = 4, O_TRUNC = 8 };
enum { FD_APPEND = 1 };
enum { RIGHT_READ = 1 << 1, RIGHT_SEEK = 1 << 2, RIGHT_TELL = 1 << 5, RIGHT_WRITE = 1 << 6, RIGHT_READDIR = 1 << 14 };
#define RIGHTS_FILE 0x08e001ffull /* data, seek, tell, sync, advise, allocate, filestat, poll */
#define RIGHTS_READ_ONLY (RIGHTS_FILE & ~(uint64_t)RIGHT_WRITE)

WASI(args_get) int args_get(char **argv, char *bytes);
WASI(args_sizes_get) int args_sizes_get(size_t *count, size_t *size);
WASI(environ_get) int environ_get(char **env, char *bytes);
WASI(environ_sizes_get) int environ_sizes_get(size_t *count, size_t *size);
WASI(clock_res_get) int clock_res_get(int clock, uint64_t *resolution);
WASI(clock_time_get) int clock_time_get(int clock, uint64_t precision, uint64_t *time);
WASI(fd_advise) int fd_advise(fd_t fd, uint64_t offset, uint64_t length, int advice);
WASI(fd_close) int fd_close(fd_t fd);
WASI(fd_datasync) int fd_datasync(fd_t fd);
WASI(fd_fdstat_get) int fd_fdstat_get(fd_t fd, struct fdstat *stat);
WASI(fd_fdstat_set_flags) int fd_fdstat_set_flags(fd_t fd, int flags);
WASI(fd_filestat_get) int fd_filestat_get(fd_t fd, struct filestat *stat);
WASI(fd_filestat_set_size) int fd_filestat_set_size(fd_t fd, uint64_t size);
WASI(fd_filestat_set_times) int fd_filestat_set_times(fd_t fd, uint64_t accessed, uint64_t modified, int flags);
WASI(fd_pread) int fd_pread(fd_t fd, const struct part *parts, size_t count, uint64_t offset, size_t *done);
WASI(fd_prestat_get) int fd_prestat_get(fd_t fd, struct prestat *stat);
WASI(fd_prestat_dir_name) int fd_prestat_dir_name(fd_t fd, char *name, size_t size);
WASI(fd_pwrite) int fd_pwrite(fd_t fd, const struct part *parts, size_t count, uint64_t offset, size_t *done);
WASI(fd_read) int fd_read(fd_t fd, const struct part *parts, size_t count, size_t *done);
WASI(fd_readdir) int fd_readdir(fd_t fd, void *bytes, size_t size, uint64_t cookie, size_t *done);
WASI(fd_renumber) int fd_renumber(fd_t from, fd_t to);
WASI(fd_seek) int fd_seek(fd_t fd, int64_t offset, int whence, uint64_t *position);
WASI(fd_sync) int fd_sync(fd_t fd);
WASI(fd_tell) int fd_tell(fd_t fd, uint64_t *position);
WASI(fd_write) int fd_write(fd_t fd, const struct part *parts, size_t count, size_t *done);
WASI(path_create_directory) int path_create_directory(fd_t at, const char *path, size_t size);
WASI(path_filestat_get) int path_filestat_get(fd_t at, int follow, const char *path, size_t size, struct filestat *stat);
WASI(path_link) int path_link(fd_t at, int follow, const char *path, size_t size, fd_t to, const char *new_path, size_t new_size);
WASI(path_open) int path_open(fd_t at, int follow, const char *path, size_t size, int flags, uint64_t rights, uint64_t inheriting, int fd_flags, fd_t *fd);
WASI(path_readlink) int path_readlink(fd_t at, const char *path, size_t size, char *to, size_t to_size, size_t *done);
WASI(path_remove_directory) int path_remove_directory(fd_t at, const char *path, size_t size);
WASI(path_rename) int path_rename(fd_t at, const char *path, size_t size, fd_t to, const char *new_path, size_t new_size);
WASI(path_symlink) int path_symlink(const char *target, size_t target_size, fd_t at, const char *path, size_t size);
WASI(path_unlink_file) int path_unlink_file(fd_t at, const char *path, size_t size);
WASI(poll_oneoff) int poll_oneoff(const struct subscription *in, struct event *out, size_t count, size_t *done);
WASI(proc_exit) __attribute__((noreturn)) void proc_exit(int status);
WASI(random_get) int random_get(void *bytes, size_t size);
WASI(sched_yield) int sched_yield(void);

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
static inline int same(const char *a, const char *b) { return length(a) == length(b) && memcmp(a, b, length(a)) == 0; }
static inline long number(const char *s) {
  long n = 0;
  while (*s >= '0' && *s <= '9') n = n * 10 + (*s++ - '0');
  return n;
}

/* ---- printing ---- */

static inline const char *error_name(int error) {
  static const char *const names[] = {"SUCCESS", "E2BIG", "EACCES", "EADDRINUSE", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EAGAIN", "EALREADY", "EBADF", "EBADMSG",
    "EBUSY", "ECANCELED", "ECHILD", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EDEADLK", "EDESTADDRREQ", "EDOM", "EDQUOT", "EEXIST", "EFAULT", "EFBIG",
    "EHOSTUNREACH", "EIDRM", "EILSEQ", "EINPROGRESS", "EINTR", "EINVAL", "EIO", "EISCONN", "EISDIR", "ELOOP", "EMFILE", "EMLINK", "EMSGSIZE", "EMULTIHOP",
    "ENAMETOOLONG", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENFILE", "ENOBUFS", "ENODEV", "ENOENT", "ENOEXEC", "ENOLCK", "ENOLINK", "ENOMEM", "ENOMSG",
    "ENOPROTOOPT", "ENOSPC", "ENOSYS", "ENOTCONN", "ENOTDIR", "ENOTEMPTY", "ENOTRECOVERABLE", "ENOTSOCK", "ENOTSUP", "ENOTTY", "ENXIO", "EOVERFLOW",
    "EOWNERDEAD", "EPERM", "EPIPE", "EPROTO", "EPROTONOSUPPORT", "EPROTOTYPE", "ERANGE", "EROFS", "ESPIPE", "ESRCH", "ESTALE", "ETIMEDOUT", "ETXTBSY",
    "EXDEV", "ENOTCAPABLE"};
  return error >= 0 && error < (int)(sizeof names / sizeof *names) ? names[error] : "?";
}

struct text { char bytes[1024]; size_t size; };

static inline void text_char(struct text *t, char c) {
  if (t->size < sizeof t->bytes) t->bytes[t->size++] = c;
}
static inline void text_unsigned(struct text *t, uint64_t value, unsigned base) {
  char digits[64];
  int n = 0;
  do digits[n++] = "0123456789abcdef"[value % base];
  while (value /= base);
  while (n) text_char(t, digits[--n]);
}
static inline void write_all(fd_t fd, const char *bytes, size_t size) {
  while (size) {
    struct part part = {bytes, size};
    size_t n = 0;
    if (fd_write(fd, &part, 1, &n) != 0) proc_exit(98);
    bytes += n, size -= n;
  }
}
/* A part of printf: %s %c %d %u %x, and %llu %llx for 64 bits. */
__attribute__((format(printf, 2, 3))) static inline void say_to(fd_t fd, const char *format, ...) {
  struct text t = {.size = 0};
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') { text_char(&t, *format); continue; }
    int wide = 0;
    while (*++format == 'l') wide++;
    switch (*format) {
      case 's':
        for (const char *s = va_arg(arguments, const char *); *s; s++) text_char(&t, *s);
        break;
      case 'c': text_char(&t, (char)va_arg(arguments, int)); break;
      case 'd': {
        int value = va_arg(arguments, int);
        if (value < 0) text_char(&t, '-');
        text_unsigned(&t, value < 0 ? 0u - (unsigned)value : (unsigned)value, 10);
        break;
      }
      case 'u': case 'x': text_unsigned(&t, wide == 2 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), *format == 'x' ? 16 : 10); break;
      default: text_char(&t, *format);
    }
  }
  va_end(arguments);
  write_all(fd, t.bytes, t.size);
}
#define say(...) say_to(1, __VA_ARGS__)

/* "what: ENOENT", or "what: SUCCESS". */
static inline int show(const char *what, int error) {
  say("%s: %s\n", what, error_name(error));
  return error;
}
static inline void must_at(int error, const char *what, int line) {
  if (error == 0) return;
  say_to(2, "line %d: %s: %s\n", line, what, error_name(error));
  proc_exit(99);
}
#define must(call) must_at(call, #call, __LINE__)

/* ---- the pre-opened directory that holds /tmp: its descriptor, and what remains of the path ---- */

static inline fd_t directory_of(const char *path, const char **rest) {
  static char name[256];
  struct prestat stat;
  for (fd_t fd = 3; fd_prestat_get(fd, &stat) == 0; fd++) {
    if (stat.tag != 0 || stat.name_size >= sizeof name) continue;
    must(fd_prestat_dir_name(fd, name, stat.name_size));
    size_t size = stat.name_size;
    while (size && (name[size - 1] == '/' || name[size - 1] == 0)) size--;
    if (memcmp(name, path, size) != 0 || (path[size] != '/' && path[size] != 0)) continue;
    *rest = path + size;
    while (**rest == '/') ++*rest;
    if (**rest == 0) *rest = ".";
    return fd;
  }
  return -1;
}
/* With the rights that the directory above it has and passes on. */
static inline int open_directory(fd_t at, const char *path, fd_t *fd) {
  struct fdstat stat;
  must(fd_fdstat_get(at, &stat));
  return path_open(at, 1, path, length(path), O_DIRECTORY, stat.rights & stat.inheriting, stat.inheriting, 0, fd);
}
/* A descriptor for /tmp. */
static inline fd_t work_directory(void) {
  const char *rest;
  fd_t at = directory_of("/tmp", &rest), fd;
  if (at < 0) must(44);
  must(open_directory(at, rest, &fd));
  return fd;
}
static inline int open_at(fd_t at, const char *path, int flags, uint64_t rights, int fd_flags, fd_t *fd) {
  return path_open(at, 1, path, length(path), flags, rights, 0, fd_flags, fd);
}

#endif
