/* Unix sockets: streams that carry descriptors, and those that carry frames. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
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

static int unix_socket(int type) {
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? -errno : fd;
}

static int close_with(int fd, int result) {
  close(fd);
  return result;
}

/* Removes a socket that nobody has any more. Somebody has it: -EADDRINUSE. Not a socket at all: -EEXIST. */
static int remove_stale(const char *path, const struct sockaddr_un *address, int type) {
  struct stat status;
  if (lstat(path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(status.st_mode)) return -EEXIST;
  int probe = unix_socket(type);
  if (probe < 0) return probe;
  int error = connect(probe, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
  close(probe);
  if (error == ENOENT) return 0;
  if (error != ECONNREFUSED) return -EADDRINUSE;
  return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* A socket of a type, bound to a path; backlog < 0: it does not listen. */
static int bound(const char *path, int type, mode_t mode, uid_t user, gid_t group, bool set_owner, int backlog) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  result = remove_stale(path, &address, type);
  if (result < 0) return result;
  int fd = unix_socket(type);
  if (fd < 0) return fd;
  /* bind() gives the file the mode of the socket, less the umask: it is never more open than asked. Nobody can connect
   * before listen(), so owner and mode are set in full by then. */
  if (fchmod(fd, mode & 0700) < 0) return close_with(fd, -errno);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return close_with(fd, -errno);
  if ((set_owner && lchown(path, user, group) < 0) || fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0 ||
      (backlog >= 0 && listen(fd, backlog) < 0)) {
    result = -errno;
    unlink(path);
    return close_with(fd, result);
  }
  return fd;
}

int clinux_unix_listen(const char *path, mode_t mode, uid_t user, gid_t group, bool set_owner, int backlog) {
  return bound(path, SOCK_STREAM, mode, user, group, set_owner, backlog);
}

int clinux_unix_bind(const char *path, mode_t mode, uid_t user, gid_t group, bool set_owner) {
  return bound(path, SOCK_DGRAM, mode, user, group, set_owner, -1);
}

bool clinux_unix_is_stale(const char *path, bool is_stream) {
  struct sockaddr_un address;
  if (unix_address(path, &address) < 0) return false;
  int probe = unix_socket(is_stream ? SOCK_STREAM : SOCK_DGRAM);
  if (probe < 0) return false;
  bool is_refused = connect(probe, (const struct sockaddr *)&address, sizeof address) < 0 && errno == ECONNREFUSED;
  close(probe);
  return is_refused;
}

int clinux_unix_join(int socket, const char *path) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  return connect(socket, (const struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

int clinux_unix_unread(int socket) {
  int size = 0;
  return ioctl(socket, SIOCOUTQ, &size) < 0 ? -errno : size;
}

void clinux_widen_send_buffer(int socket, int size) {
  (void)setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int clinux_unix_connect(const char *path) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  int fd = unix_socket(SOCK_STREAM);
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

/* An IPv4 or IPv6 address as text; returns its size, 0 for anything else. */
static socklen_t network_address(const char *text, uint16_t port, struct sockaddr_storage *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *four = (struct sockaddr_in *)address;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    return sizeof *four;
  }
  if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1) return 0;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  return sizeof *six;
}

int clinux_tcp_listen(const char *text, uint16_t port, int backlog) {
  struct sockaddr_storage address;
  socklen_t size = network_address(text, port, &address);
  if (size == 0) return -EINVAL;
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  const int yes = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
      bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, backlog) < 0)
    return close_with(fd, -errno);
  return fd;
}

int clinux_service_notify(const char *path, const char *text) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  size_t size = strlen(path);
  /* A name of no file system (unix(7)) is written with @ for its first byte. */
  if (path[0] == '@') address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
  return close_with(fd, sent < 0 ? -errno : 0);
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

/* Frames ----------------------------------------------------------------------------------------------------------- */

ssize_t clinux_send_pieces(int socket, const struct iovec *pieces, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
  ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? -errno : sent;
}

int clinux_send_datagrams(int socket, const struct iovec *pieces, const uint16_t *counts, unsigned count) {
  struct mmsghdr messages[CLINUX_DATAGRAMS];
  if (count > CLINUX_DATAGRAMS) count = CLINUX_DATAGRAMS;
  for (unsigned i = 0; i < count; i++) {
    messages[i].msg_hdr = (struct msghdr){.msg_iov = (struct iovec *)pieces, .msg_iovlen = counts[i]};
    messages[i].msg_len = 0;
    pieces += counts[i];
  }
  int sent = sendmmsg(socket, messages, count, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? -errno : sent;
}

int clinux_receive_datagrams(int socket, void *slots, size_t stride, size_t size, uint32_t *sizes, unsigned count) {
  struct mmsghdr messages[CLINUX_DATAGRAMS];
  struct iovec parts[CLINUX_DATAGRAMS];
  if (count > CLINUX_DATAGRAMS) count = CLINUX_DATAGRAMS;
  for (unsigned i = 0; i < count; i++) {
    parts[i] = (struct iovec){.iov_base = (char *)slots + i * stride, .iov_len = size};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    messages[i].msg_len = 0;
  }
  int received = recvmmsg(socket, messages, count, MSG_DONTWAIT, NULL);
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) {
    sizes[i] = messages[i].msg_hdr.msg_flags & MSG_TRUNC ? UINT32_MAX : messages[i].msg_len;
  }
  return received;
}
