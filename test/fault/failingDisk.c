/*
 * Preloaded into a process (LD_PRELOAD), makes one of its changes to files below FAULT_DIR fail: the FAULT_AT-th, counted from 1, and with
 * FAULT_STAYS all later ones, with the error number FAULT_ERRNO. Writes the number of changes to the file FAULT_COUNT at the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long changes;

static int fails(const char *path) {
  const char *dir = getenv("FAULT_DIR");
  if (dir == NULL || path == NULL || strncmp(path, dir, strlen(dir)) != 0) return 0;
  long number = ++changes;
  const char *at = getenv("FAULT_AT");
  long wanted = at == NULL ? 0 : atol(at);
  int hit = wanted > 0 && (number == wanted || (number > wanted && getenv("FAULT_STAYS") != NULL));
  if (hit) errno = atoi(getenv("FAULT_ERRNO"));
  return hit;
}

static int fails_at(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(path);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count) {
  return fails_at(fd) ? -1 : REAL(ssize_t, write, int, const void *, size_t)(fd, bytes, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  return fails_at(fd) ? -1 : REAL(ssize_t, pwrite, int, const void *, size_t, off_t)(fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  return fails_at(fd) ? -1 : REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)(fd, bytes, count, at);
}
int fsync(int fd) { return fails_at(fd) ? -1 : REAL(int, fsync, int)(fd); }
int fdatasync(int fd) { return fails_at(fd) ? -1 : REAL(int, fdatasync, int)(fd); }
int ftruncate(int fd, off_t length) { return fails_at(fd) ? -1 : REAL(int, ftruncate, int, off_t)(fd, length); }
int ftruncate64(int fd, off64_t length) {
  return fails_at(fd) ? -1 : REAL(int, ftruncate64, int, off64_t)(fd, length);
}
int rename(const char *from, const char *to) {
  return fails(to) ? -1 : REAL(int, rename, const char *, const char *)(from, to);
}
int mkdir(const char *path, mode_t mode) { return fails(path) ? -1 : REAL(int, mkdir, const char *, mode_t)(path, mode); }

#define OPEN(name)                                                        \
  int name(const char *path, int flags, ...) {                            \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    mode_t mode = va_arg(rest, mode_t);                                   \
    va_end(rest);                                                         \
    if ((flags & O_CREAT) && fails(path)) return -1;                      \
    return REAL(int, name, const char *, int, ...)(path, flags, mode);    \
  }
OPEN(open)
OPEN(open64)

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("FAULT_COUNT");
  if (path == NULL) return;
  FILE *file = fopen(path, "w");
  if (file == NULL) return;
  fprintf(file, "%ld\n", (long)changes);
  fclose(file);
}
