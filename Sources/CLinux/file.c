/* Files that captures are written to and read from. */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "CLinux.h"

int clinux_file_create(const char *path, mode_t mode, bool waits) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | (waits ? 0 : O_NONBLOCK), mode);
  return fd < 0 ? -errno : fd;
}

int clinux_file_open(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_poll_writable(int fd, int milliseconds) {
  struct pollfd item = {.fd = fd, .events = POLLOUT};
  int found = poll(&item, 1, milliseconds);
  if (found < 0) return errno == EINTR ? 0 : -errno;
  return found;
}

int clinux_has_hung_up(int fd) {
  /* Errors and hang-ups are told whether they are asked for or not. */
  struct pollfd item = {.fd = fd};
  int found = poll(&item, 1, 0);
  if (found < 0) return errno == EINTR ? 0 : -errno;
  return found > 0 && (item.revents & (POLLERR | POLLHUP)) != 0;
}

ssize_t clinux_write(int fd, const void *bytes, size_t size) {
  ssize_t written = write(fd, bytes, size);
  return written < 0 ? -errno : written;
}

int clinux_file_truncate(int fd, uint64_t size) {
  if (ftruncate(fd, (off_t)size) < 0) return -errno;
  return lseek(fd, (off_t)size, SEEK_SET) < 0 ? -errno : 0;
}

int clinux_file_remove(const char *path) { return unlink(path) < 0 ? -errno : 0; }

int clinux_is_storage(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  return S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
}

int clinux_is_regular(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  return S_ISREG(status.st_mode);
}

void clinux_time_stamp(uint64_t seconds, char text[16]) {
  time_t time = (time_t)seconds;
  struct tm parts = {0};
  localtime_r(&time, &parts);
  if (strftime(text, 16, "%Y%m%d%H%M%S", &parts) == 0) text[0] = 0;
}
