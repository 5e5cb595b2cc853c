/* Processes by number and by pidfd, and what their descriptors bring. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "CLinux.h"

/* Moves a new descriptor out of 0, 1 and 2, which a child's dup2 would overwrite. */
static int above_standard(int fd) {
  if (fd < 0) return -errno;
  if (fd > 2) return fd;
  int moved = clinux_duplicate(fd);
  close(fd);
  return moved;
}

int clinux_open_standard(const char *path, bool is_output) {
  int flags = is_output ? O_WRONLY | O_CREAT | O_APPEND : O_RDONLY;
  return above_standard(open(path, flags | O_CLOEXEC | O_NOCTTY, 0600));
}

static int move_both(int ends[2]) {
  ends[0] = above_standard(ends[0]);
  ends[1] = above_standard(ends[1]);
  if (ends[0] >= 0 && ends[1] >= 0) return 0;
  int error = ends[0] < 0 ? ends[0] : ends[1];
  for (int i = 0; i < 2; i++) {
    if (ends[i] >= 0) close(ends[i]);
  }
  return error;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : move_both(ends); }

int clinux_pipe_of_sockets(int ends[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : move_both(ends);
}

int clinux_terminal_resize(int fd, unsigned short rows, unsigned short columns) {
  const struct winsize size = {.ws_row = rows, .ws_col = columns};
  return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int clinux_terminal_size(int fd, unsigned short *rows, unsigned short *columns) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
  *rows = size.ws_row;
  *columns = size.ws_col;
  return 0;
}

int clinux_terminal_open(int ends[2], unsigned short rows, unsigned short columns) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) return -errno;
  int terminal = -1, unlocked = 0;
  /* By the ioctls, since names of terminals are those of a mount that may not be ours. */
  if (ioctl(master, TIOCSPTLCK, &unlocked) == 0) terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  int result = terminal < 0 ? -errno : clinux_terminal_resize(terminal, rows, columns);
  if (result < 0) {
    close(master);
    if (terminal >= 0) close(terminal);
    return result;
  }
  ends[0] = master;
  ends[1] = terminal;
  return move_both(ends);
}

ssize_t clinux_read(int fd, void *bytes, size_t size) {
  ssize_t result;
  do {
    result = read(fd, bytes, size);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int clinux_process_status(int pid, uint64_t *start_time, char *state) {
  char text[1024];
  snprintf(text, sizeof text, "/proc/%d/stat", pid);
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? -ESRCH : -errno;
  ssize_t size = clinux_read(fd, text, sizeof text - 1);
  close(fd);
  if (size < 0) return (int)size;
  text[size] = '\0';
  /* Field 2 is the name in parentheses and may hold anything, parentheses and spaces included. */
  char *field = strrchr(text, ')');
  if (field == NULL || field[1] != ' ') return -EPROTO;
  field += 2;
  *state = *field;
  for (int number = 3; number < 22; number++) {
    field = strchr(field, ' ');
    if (field == NULL) return -EPROTO;
    field++;
  }
  *start_time = strtoull(field, NULL, 10);
  return 0;
}

int clinux_pidfd_open(int pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : (int)fd;
}

int clinux_pidfd_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int clinux_group_signal(int group, int signal) {
  if (group <= 1) return -EINVAL;
  return kill(-group, signal) < 0 ? -errno : 0;
}

int clinux_reap(int pid) {
  int status;
  pid_t found;
  do {
    found = waitpid(pid, &status, WNOHANG);
  } while (found < 0 && errno == EINTR);
  if (found < 0) return -errno;
  if (found == 0) return -EAGAIN;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
