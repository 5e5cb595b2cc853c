/* Descriptors of any kind, eventfd and epoll. */
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "CLinux.h"

_Static_assert(sizeof(struct clinux_event) == 16, "EpollEvent in Epoll.swift has a stride of 16 bytes");

uint64_t clinux_monotonic(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clinux_realtime(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int clinux_duplicate(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? -errno : copy;
}

int clinux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* File systems whose pages come from this host's memory or disks, so that no other process can hold up a page fault. */
static bool is_local(uint64_t file_system) {
  /* ext2, ext3 and ext4 share a number. */
  return file_system == EXT4_SUPER_MAGIC || file_system == XFS_SUPER_MAGIC || file_system == BTRFS_SUPER_MAGIC;
}

static int file_kind(int fd, size_t *page_size, uint64_t *file_system) {
  struct statfs system;
  if (fstatfs(fd, &system) < 0) return -errno;
  *file_system = (uint64_t)system.f_type & 0xFFFFFFFF; /* f_type is signed, some numbers have the highest bit */
  *page_size = (size_t)sysconf(_SC_PAGESIZE);
  if (*file_system == TMPFS_MAGIC) return CLINUX_KIND_TMPFS;
  if (is_local(*file_system)) return CLINUX_KIND_LOCAL_FILE;
  if (*file_system != HUGETLBFS_MAGIC) return CLINUX_KIND_FOREIGN_FILE;
  *page_size = (size_t)system.f_bsize;
  return CLINUX_KIND_HUGETLBFS;
}

/* Whether a mount of this device is a FUSE: it is asked nothing, as its process may never answer. */
static bool is_fuse(unsigned major, unsigned minor) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  if (mounts == NULL) return false;
  char *line = NULL;
  size_t size = 0;
  bool found = false;
  while (!found && getline(&line, &size, mounts) > 0) {
    unsigned line_major, line_minor;
    const char *kind = strstr(line, " - ");
    found = kind != NULL && strncmp(kind, " - fuse", 7) == 0 &&
            sscanf(line, "%*d %*d %u:%u", &line_major, &line_minor) == 2 && line_major == major && line_minor == minor;
  }
  free(line);
  fclose(mounts);
  return found;
}

int clinux_descriptor_kind(int fd, size_t *page_size, uint64_t *file_system, char *link, size_t link_size) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, link, link_size - 1);
  link[length < 0 ? 0 : length] = '\0';

  /* What the kernel knows by itself: whoever serves the file is not waited for. */
  struct statx status;
  if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) < 0) return -errno;
  if (S_ISSOCK(status.stx_mode)) return CLINUX_KIND_SOCKET;
  if (S_ISREG(status.stx_mode)) {
    if (!is_fuse(status.stx_dev_major, status.stx_dev_minor)) return file_kind(fd, page_size, file_system);
    *file_system = FUSE_SUPER_MAGIC;
    return CLINUX_KIND_FOREIGN_FILE;
  }
  /* A path can be made to look like this, but it is a file's, and those were sorted out above. */
  if ((status.stx_mode & S_IFMT) == 0 && strcmp(link, "anon_inode:[eventfd]") == 0) return CLINUX_KIND_EVENTFD;
  return CLINUX_KIND_OTHER;
}

int clinux_file_size(int fd, uint64_t *size) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  *size = (uint64_t)status.st_size;
  return 0;
}

int clinux_is_read_write(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  return (flags & O_PATH) == 0 && (flags & O_ACCMODE) == O_RDWR;
}

int clinux_eventfd_create(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

uint64_t clinux_eventfd_read(int fd) {
  uint64_t count = 0;
  return read(fd, &count, sizeof count) == (ssize_t)sizeof count ? count : 0;
}

int clinux_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int clinux_epoll_wait(int epoll, struct clinux_event *events, size_t count, int64_t microseconds) {
  struct epoll_event ready[128];
  int capacity = count > 128 ? 128 : (int)count;
  struct timespec limit = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
  int found = epoll_pwait2(epoll, ready, capacity, microseconds < 0 ? NULL : &limit, NULL);
  if (found < 0 && errno == ENOSYS) { /* before Linux 5.11 */
    int milliseconds = microseconds < 0 ? -1 : (int)((microseconds + 999) / 1000);
    found = epoll_wait(epoll, ready, capacity, milliseconds);
  }
  if (found < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < found; i++) {
    events[i].token = ready[i].data.u64;
    events[i].events = ready[i].events;
  }
  return found;
}

int clinux_poll_readable(int fd, int milliseconds) {
  struct pollfd item = {.fd = fd, .events = POLLIN};
  int found = poll(&item, 1, milliseconds);
  if (found < 0) return errno == EINTR ? 0 : -errno;
  return found;
}
