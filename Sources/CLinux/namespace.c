/* Network namespaces, named as iproute2 names them: /run/netns/NAME is a bind mount of the namespace's nsfs file. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "CLinux.h"

#define DIRECTORY "/run/netns"

static int name_path(const char *name, char *path, size_t size) {
  if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return -EINVAL;
  int length = snprintf(path, size, DIRECTORY "/%s", name);
  return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

int clinux_netns_current(void) {
  int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_netns_open(const char *name) {
  char named[512];
  const char *path = name;
  struct statfs kind;
  if (name[0] == '/') {
    /* Somebody else's choice: what is no namespace is not opened, since an open may wait (FIFOs) or do something. */
    if (statfs(path, &kind) < 0) return -errno;
    if (kind.f_type != NSFS_MAGIC) return -EINVAL;
  } else {
    int result = name_path(name, named, sizeof named);
    if (result < 0) return result;
    path = named;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct statfs system;
  if (fstatfs(fd, &system) == 0 && system.f_type == NSFS_MAGIC) return fd;
  close(fd);
  return -EINVAL;
}

int clinux_netns_enter(int fd) { return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0; }

/* Makes the directory a shared mount point, so that names made or removed later are seen in other mount namespaces
 * (iproute2's ip-netns(8)). The caller holds the lock. */
static int share_directory(void) {
  bool is_mount_point = false;
  while (mount("", DIRECTORY, "none", MS_SHARED | MS_REC, NULL) < 0) {
    if (errno != EINVAL || is_mount_point) return -errno;
    if (mount(DIRECTORY, DIRECTORY, "none", MS_BIND | MS_REC, NULL) < 0) return -errno;
    is_mount_point = true;
  }
  return 0;
}

static int prepare_directory(void) {
  if (mkdir(DIRECTORY, 0755) == 0) {
    /* Names of namespaces are for everybody to see, whatever our umask is. */
    if (chmod(DIRECTORY, 0755) < 0) return -errno;
  } else if (errno != EEXIST) {
    return -errno;
  }
  /* iproute2 takes the same lock, against two that mount the directory onto itself. */
  int lock = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return -errno;
  int result = flock(lock, LOCK_EX) < 0 ? -errno : share_directory();
  close(lock);
  return result;
}

int clinux_netns_create(const char *name) {
  char path[512];
  int result = name_path(name, path, sizeof path);
  if (result < 0) return result;
  result = prepare_directory();
  if (result < 0) return result;
  int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (fd < 0) return -errno;
  close(fd);
  if (unshare(CLONE_NEWNET) < 0 || mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) < 0) {
    result = -errno;
    unlink(path);
  }
  return result;
}

int clinux_netns_of_process(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_netns_attach(const char *name, int fd) {
  char path[512];
  int result = name_path(name, path, sizeof path);
  if (result < 0) return result;
  result = prepare_directory();
  if (result < 0) return result;
  int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (file < 0) return -errno;
  close(file);
  char source[64];
  snprintf(source, sizeof source, "/proc/thread-self/fd/%d", fd);
  if (mount(source, path, "none", MS_BIND, NULL) < 0) {
    result = -errno;
    unlink(path);
  }
  return result;
}

int clinux_netns_is_same(int one, int other) {
  struct stat a, b;
  if (fstat(one, &a) < 0 || fstat(other, &b) < 0) return -errno;
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int clinux_netns_delete(const char *name) {
  char path[512];
  int result = name_path(name, path, sizeof path);
  if (result < 0) return result;
  /* EINVAL: not a mount point, the remains of a create that was broken off. */
  if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL) return -errno;
  return unlink(path) < 0 ? -errno : 0;
}
