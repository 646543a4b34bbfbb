/* Records what a program writes to the files of one folder, and what of it
 * was synced, in one order. Loaded with LD_PRELOAD.
 *
 *   CORO_RECORD_FOLDER  the folder, absolute, without symbolic links
 *   CORO_RECORD_LOG     the file that records are appended to
 *
 * A record is a header as below, then the path, then the data. A change is
 * carried out and recorded under one lock, so the order of records is the
 * order of changes. A sync is two records, at its begin and at its end, and
 * holds no lock in between: what was written before its begin is on the disk
 * after its end. The end is recorded before the program learns of it, so
 * whatever the program says afterwards is later than the record.
 *
 * The lock is an flock of the log too: who holds one while the program is
 * killed parts no change from its record.
 *
 * Files ending in -shm are left out: SQLite maps them, never syncs them, and
 * makes them anew after a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
  OPENED = 1,   /* path and file; number is 1 where the file is new or emptied */
  WRITTEN,      /* file, number is the offset, data */
  TRUNCATED,    /* file, number is the new length */
  SYNC_BEGUN,   /* file, number identifies the sync */
  SYNC_ENDED,   /* the same number */
  RENAMED,      /* path is the old one, data the new one */
  UNLINKED,     /* path */
};

struct header {
  uint32_t kind;
  uint32_t path_length;
  uint64_t file; /* the inode */
  uint64_t number;
  uint64_t data_length;
};

#define FILES 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t files[FILES]; /* the inode behind each descriptor, 0: not recorded */
static uint64_t syncs;
static int record_fd = -1;
static const char *folder;
static size_t folder_length;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, off_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);

static void die(const char *what) {
  fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
  abort();
}

/* Between threads by the mutex, against other processes by the flock. */
static void hold(void) {
  pthread_mutex_lock(&lock);
  while (flock(record_fd, LOCK_EX) != 0)
    if (errno != EINTR) die("the lock");
}

static void release(void) {
  if (flock(record_fd, LOCK_UN) != 0) die("the lock");
  pthread_mutex_unlock(&lock);
}

/* Before the program's main, and before anything else of it calls one of the
 * functions below. */
__attribute__((constructor)) static void start(void) {
  if (real_open) return;
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_open = dlsym(RTLD_NEXT, "open");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  real_fallocate = dlsym(RTLD_NEXT, "posix_fallocate");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
  const char *log = getenv("CORO_RECORD_LOG");
  folder = getenv("CORO_RECORD_FOLDER");
  if (!log || !folder) return;
  folder_length = strlen(folder);
  int fd = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) die(log);
  record_fd = fd;
}

/* The folder itself counts: its syncs make names durable. */
static int is_recorded(const char *path) {
  if (record_fd < 0 || !path || strncmp(path, folder, folder_length) != 0) return 0;
  if (path[folder_length] != '/' && path[folder_length] != 0) return 0;
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static uint64_t file_of(int fd) { return fd >= 0 && fd < FILES ? files[fd] : 0; }

/* Between hold and release. */
static void append(enum kind kind, const char *path, uint64_t file, uint64_t number,
                   const void *data, size_t data_length) {
  size_t path_length = path ? strlen(path) : 0;
  struct header header = {kind, path_length, file, number, data_length};
  size_t length = sizeof header + path_length + data_length;
  char *record = malloc(length);
  if (!record) die("malloc");
  memcpy(record, &header, sizeof header);
  if (path_length) memcpy(record + sizeof header, path, path_length);
  if (data_length) memcpy(record + sizeof header + path_length, data, data_length);
  for (size_t done = 0; done < length;) {
    ssize_t wrote = real_write(record_fd, record + done, length - done);
    if (wrote < 0) die("the record");
    done += wrote;
  }
  free(record);
}

static int opened(int fd, const char *path, int existed, int flags) {
  if (fd < 0) return fd;
  struct stat stat;
  if (fd >= FILES || fstat(fd, &stat) != 0) die(path);
  files[fd] = stat.st_ino;
  append(OPENED, path, stat.st_ino, !existed || (flags & O_TRUNC), NULL, 0);
  return fd;
}

static int open_recorded(int dir, const char *path, int flags, mode_t mode) {
  start();
  char whole[4096];
  if (path[0] != '/') { /* relative to a recorded folder: as SQLite never does */
    char link[64];
    snprintf(link, sizeof link, dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
    ssize_t length = readlink(link, whole, sizeof whole - 1);
    if (length < 0) return real_openat(dir, path, flags, mode);
    snprintf(whole + length, sizeof whole - length, "/%s", path);
  } else {
    snprintf(whole, sizeof whole, "%s", path);
  }
  if (!is_recorded(whole)) return real_openat(dir, path, flags, mode);
  hold();
  struct stat stat_before;
  int existed = stat(whole, &stat_before) == 0;
  int fd = opened(real_openat(dir, path, flags, mode), whole, existed, flags);
  release();
  return fd;
}

#define MODE_OF(flags, mode)                         \
  mode_t mode = 0;                                   \
  if ((flags) & (O_CREAT | O_TMPFILE)) {             \
    va_list args;                                    \
    va_start(args, flags);                           \
    mode = va_arg(args, mode_t);                     \
    va_end(args);                                    \
  }

int open(const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_recorded(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_recorded(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int openat(int dir, const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_recorded(dir, path, flags, mode);
}
int openat64(int dir, const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_recorded(dir, path, flags | O_LARGEFILE, mode);
}

int close(int fd) {
  start();
  if (fd >= 0 && fd < FILES) files[fd] = 0;
  return real_close(fd);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  uint64_t file = file_of(fd);
  if (!file) return real_pwrite(fd, data, length, offset);
  hold();
  ssize_t wrote = real_pwrite(fd, data, length, offset);
  if (wrote > 0) append(WRITTEN, NULL, file, offset, data, wrote);
  release();
  return wrote;
}
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
  return pwrite(fd, data, length, offset);
}

static off_t position(int fd) {
  struct stat stat;
  if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &stat) == 0 ? stat.st_size : 0;
  return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t length) {
  start();
  uint64_t file = file_of(fd);
  if (!file) return real_write(fd, data, length);
  hold();
  off_t offset = position(fd);
  ssize_t wrote = real_write(fd, data, length);
  if (wrote > 0) append(WRITTEN, NULL, file, offset, data, wrote);
  release();
  return wrote;
}

/* The first part only: a short write is always allowed. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!file_of(fd)) return real_writev(fd, parts, count);
  for (int i = 0; i < count; i++)
    if (parts[i].iov_len > 0) return write(fd, parts[i].iov_base, parts[i].iov_len);
  return 0;
}

int ftruncate(int fd, off_t length) {
  uint64_t file = file_of(fd);
  if (!file) return real_ftruncate(fd, length);
  hold();
  int result = real_ftruncate(fd, length);
  if (result == 0) append(TRUNCATED, NULL, file, length, NULL, 0);
  release();
  return result;
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int posix_fallocate(int fd, off_t offset, off_t length) {
  uint64_t file = file_of(fd);
  if (!file) return real_fallocate(fd, offset, length);
  hold();
  int result = real_fallocate(fd, offset, length);
  struct stat stat;
  if (result == 0 && fstat(fd, &stat) == 0) append(TRUNCATED, NULL, file, stat.st_size, NULL, 0);
  release();
  return result;
}
int posix_fallocate64(int fd, off_t offset, off_t length) {
  return posix_fallocate(fd, offset, length);
}

static int sync_recorded(int fd, int (*real)(int)) {
  uint64_t file = file_of(fd);
  if (!file) return real(fd);
  hold();
  uint64_t number = ++syncs;
  append(SYNC_BEGUN, NULL, file, number, NULL, 0);
  release();
  int result = real(fd);
  if (result == 0) {
    hold();
    append(SYNC_ENDED, NULL, file, number, NULL, 0);
    release();
  }
  return result;
}

int fsync(int fd) { return sync_recorded(fd, real_fsync); }
int fdatasync(int fd) { return sync_recorded(fd, real_fdatasync); }

int rename(const char *from, const char *to) {
  if (!is_recorded(from) && !is_recorded(to)) return real_rename(from, to);
  hold();
  int result = real_rename(from, to);
  if (result == 0) append(RENAMED, from, 0, 0, to, strlen(to));
  release();
  return result;
}

int unlink(const char *path) {
  if (!is_recorded(path)) return real_unlink(path);
  hold();
  int result = real_unlink(path);
  if (result == 0) append(UNLINKED, path, 0, 0, NULL, 0);
  release();
  return result;
}

int unlinkat(int dir, const char *path, int flags) {
  if (path[0] != '/' || !is_recorded(path)) return real_unlinkat(dir, path, flags);
  hold();
  int result = real_unlinkat(dir, path, flags);
  if (result == 0) append(UNLINKED, path, 0, 0, NULL, 0);
  release();
  return result;
}
