/* Unix stream sockets that carry descriptors. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "CLinux.h"

/* The kernel's SCM_MAX_FD: no message carries more descriptors. */
enum { MAXIMUM_DESCRIPTORS = 253 };

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == 108, "UnixSocket.maximumPathLength is 107");

static int unix_address(const char *path, struct sockaddr_un *address) {
  size_t length = strlen(path);
  if (length == 0) return -EINVAL;
  if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, length);
  return 0;
}

static int unix_socket(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? -errno : fd;
}

static int close_with(int fd, int result) {
  close(fd);
  return result;
}

/* Removes the socket of a listener that is gone. Somebody listens: -EADDRINUSE. Not a socket at all: -EEXIST. */
static int remove_stale(const char *path, const struct sockaddr_un *address) {
  struct stat status;
  if (lstat(path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(status.st_mode)) return -EEXIST;
  int probe = unix_socket();
  if (probe < 0) return probe;
  int error = connect(probe, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
  close(probe);
  if (error == ENOENT) return 0;
  if (error != ECONNREFUSED) return -EADDRINUSE;
  return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int clinux_unix_listen(const char *path, mode_t mode, uid_t user, gid_t group, bool set_owner, int backlog) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  result = remove_stale(path, &address);
  if (result < 0) return result;
  int fd = unix_socket();
  if (fd < 0) return fd;
  /* bind() gives the file the mode of the socket, less the umask: it is never more open than asked. Nobody can connect
   * before listen(), so owner and mode are set in full by then. */
  if (fchmod(fd, mode & 0700) < 0) return close_with(fd, -errno);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return close_with(fd, -errno);
  if ((set_owner && lchown(path, user, group) < 0) || fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0 ||
      listen(fd, backlog) < 0) {
    result = -errno;
    unlink(path);
    return close_with(fd, result);
  }
  return fd;
}

int clinux_unix_connect(const char *path) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  int fd = unix_socket();
  if (fd < 0) return fd;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return close_with(fd, -errno);
  return fd;
}

int clinux_unix_accept(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) return fd;
    if (errno != EINTR && errno != ECONNABORTED) return -errno;
  }
}

int clinux_peer_process(int socket, int *pid, char *name, size_t name_size) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
  *pid = peer.pid;
  name[0] = '\0';
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/comm", peer.pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0; /* it has ended, or lives in a namespace that we do not see */
  ssize_t length = clinux_read(fd, name, name_size - 1);
  close(fd);
  name[length < 0 ? 0 : length] = '\0';
  return 0;
}

int clinux_unix_pair(int sockets[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0 ? -errno : 0;
}

static size_t take_descriptors(struct msghdr *message, int *fds, size_t capacity, bool *overflow) {
  size_t count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t carried = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < carried; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      if (count < capacity) {
        fds[count++] = fd;
      } else {
        close(fd);
        *overflow = true;
      }
    }
  }
  return count;
}

ssize_t clinux_receive(int socket, void *bytes, size_t size, int *fds, size_t fd_capacity, size_t *fd_count) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(MAXIMUM_DESCRIPTORS * sizeof(int))];
  if (fd_capacity > MAXIMUM_DESCRIPTORS) fd_capacity = MAXIMUM_DESCRIPTORS;
  struct iovec part = {.iov_base = bytes, .iov_len = size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t received;
  do {
    /* CMSG_LEN, not CMSG_SPACE: the padding of the latter has room for one descriptor too many. */
    message.msg_control = control;
    message.msg_controllen = fd_capacity == 0 ? 0 : CMSG_LEN(fd_capacity * sizeof(int));
    message.msg_flags = 0;
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  *fd_count = 0;
  if (received < 0) return -errno;
  bool overflow = (message.msg_flags & MSG_CTRUNC) != 0;
  size_t count = take_descriptors(&message, fds, fd_capacity, &overflow);
  if (overflow) {
    for (size_t i = 0; i < count; i++) close(fds[i]);
    return -EMSGSIZE;
  }
  *fd_count = count;
  return received;
}

ssize_t clinux_send(int socket, const void *bytes, size_t size, const int *fds, size_t fd_count) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(MAXIMUM_DESCRIPTORS * sizeof(int))];
  if (fd_count > MAXIMUM_DESCRIPTORS) return -EINVAL;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count > 0) {
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}
