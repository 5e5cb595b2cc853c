/*
 * Entries of a folder that is held open. Every call names an entry of that folder and none further down, and none
 * follows a symbolic link: whatever becomes of paths meanwhile, what is done is done in that folder.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "CLinux.h"

/* A name is one of the folder's own entries: not empty, no path, not the folder or the one above it. */
static bool is_entry(const char *name) {
  return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int clinux_folder_set_mode(int folder, mode_t mode) {
  struct stat status;
  if (fstat(folder, &status) < 0) return -errno;
  /* By this bit somebody gives what is made in the folder to a group. */
  return fchmod(folder, mode | (status.st_mode & S_ISGID)) < 0 ? -errno : 0;
}

int clinux_folder_open(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_folder_enter(int folder, const char *name) {
  if (!is_entry(name)) return -EINVAL;
  int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_folder_reopen(int folder) {
  int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_folder_make(int folder, const char *name, int mode) {
  if (!is_entry(name)) return -EINVAL;
  if (mkdirat(folder, name, mode < 0 ? 0777 : 0700) < 0) return errno == EEXIST ? 0 : -errno;
  if (mode < 0) return 1;
  int fd = clinux_folder_enter(folder, name);
  if (fd < 0) return fd;
  /* In full, whatever the umask is. */
  int result = clinux_folder_set_mode(fd, (mode_t)mode);
  close(fd);
  return result < 0 ? result : 1;
}

int clinux_entry_kind(int folder, const char *name) {
  if (!is_entry(name)) return -EINVAL;
  struct stat status;
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
    return errno == ENOENT ? CLINUX_ENTRY_NONE : -errno;
  }
  switch (status.st_mode & S_IFMT) {
    case S_IFREG: return CLINUX_ENTRY_FILE;
    case S_IFDIR: return CLINUX_ENTRY_FOLDER;
    case S_IFSOCK: return CLINUX_ENTRY_SOCKET;
    case S_IFLNK: return CLINUX_ENTRY_LINK;
    default: return CLINUX_ENTRY_OTHER;
  }
}

int clinux_entry_open(int folder, const char *name) {
  if (!is_entry(name)) return -EINVAL;
  int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return -errno;
  if (clinux_is_regular(fd) == 1) return fd;
  close(fd);
  return -EINVAL;
}

int clinux_entry_create(int folder, const char *name, mode_t mode) {
  if (!is_entry(name)) return -EINVAL;
  int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  if (fchmod(fd, mode) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int clinux_entry_rename(int folder, const char *from, const char *to) {
  if (!is_entry(from) || !is_entry(to)) return -EINVAL;
  return renameat(folder, from, folder, to) < 0 ? -errno : 0;
}

int clinux_entry_publish(int folder, const char *from, const char *to) {
  if (!is_entry(from) || !is_entry(to)) return -EINVAL;
  if (linkat(folder, from, folder, to, 0) < 0) return -errno;
  return unlinkat(folder, from, 0) < 0 ? -errno : 0;
}

int clinux_entry_remove(int folder, const char *name, bool is_folder) {
  if (!is_entry(name)) return -EINVAL;
  return unlinkat(folder, name, is_folder ? AT_REMOVEDIR : 0) < 0 ? -errno : 0;
}
