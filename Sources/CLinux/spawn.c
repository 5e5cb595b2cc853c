/*
 * Starting a process from a program with many threads.
 *
 * Between fork and exec only functions that are safe in a signal handler run: no allocation, no lock. The child reports
 * over a pipe that exec closes, so the end of the pipe means success. Before exec it waits until the parent has noted
 * its start time: by then its number cannot belong to anybody else.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "CLinux.h"

enum { REPORT_PROCESS = -1 };

/* What the child's own descriptors become, above the standard three. */
enum { CHILD_REPORT = 3, CHILD_GO = 4, CHILD_NETNS = 5, CHILD_PROGRAM = CLINUX_SPAWN_PROGRAM, CHILD_END = 7 };

/* What a child says: its number (kind REPORT_PROCESS), or at which step what went wrong. */
struct report {
  int kind;
  int value;
};

/* The descriptors that child and parent share: reports go up, the permission to go on comes down. */
struct channel {
  int report[2];
  int go[2];
};

static void send_report(int fd, int kind, int value) {
  const struct report report = {.kind = kind, .value = value};
  ssize_t result;
  do {
    result = write(fd, &report, sizeof report);
  } while (result < 0 && errno == EINTR);
}

_Noreturn static void die(int fd, int step) {
  send_report(fd, step, errno);
  _exit(127);
}

static void reset_signals(void) {
  /* The system call, since glibc's function refuses the two signals that it uses itself, and whoever started us may
   * have ignored them. All zeros is SIG_DFL in the kernel's structure; SIGKILL and SIGSTOP refuse. */
  const unsigned long action[8] = {0};
  for (int number = 1; number < NSIG; number++) syscall(SYS_rt_sigaction, number, action, NULL, 8L);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As `ip netns exec`: /sys/class/net shows the namespace's interfaces. A host without that freedom keeps its /sys. */
static int enter_namespace(int netns) {
  if (setns(netns, CLONE_NEWNET) < 0) return -1;
  if (unshare(CLONE_NEWNS) < 0) return -1;
  if (mount("", "/", "none", MS_SLAVE | MS_REC, NULL) < 0) return -1;
  if (umount2("/sys", MNT_DETACH) == 0) mount("sysfs", "/sys", "sysfs", 0, NULL);
  return 0;
}

/* Leaves the child the standard three and those of CHILD_*, and nothing else. First of all, since as long as it holds
 * copies of the others, what the parent closes is not closed. The program stays open over exec: the interpreter of a
 * script opens it once more. */
static int arrange_descriptors(const struct clinux_spawn *request, const struct channel *channel) {
  const int source[CHILD_END] = {request->standard[0], request->standard[1], request->standard[2],
                                 channel->report[1],   channel->go[0],       request->netns,
                                 request->program};
  int moved[CHILD_END];
  for (int i = 0; i < CHILD_END; i++) {
    moved[i] = source[i] < 0 ? -1 : fcntl(source[i], F_DUPFD_CLOEXEC, CHILD_END);
    if (source[i] >= 0 && moved[i] < 0) return -1;
  }
  for (int i = 0; i < CHILD_END; i++) {
    if (moved[i] < 0) {
      close(i);
    } else if (dup3(moved[i], i, i < CHILD_REPORT || i == CHILD_PROGRAM ? 0 : O_CLOEXEC) < 0) {
      return -1;
    }
  }
  return syscall(SYS_close_range, (unsigned)CHILD_END, ~0U, 0U) < 0 ? -1 : 0;
}

static void limit_descriptors(uint64_t count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = count < limit.rlim_max ? (rlim_t)count : limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int clinux_raise_descriptor_limit(uint64_t *former) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  *former = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

/* Descriptors 0 to 2 are open before anything else of this process opens one: whoever starts it with one of them closed
   would have us read an event counter as standard input, or write words into a socket. To be read only, so that writing
   fails as with a closed one. Before the constructors of libraries, which have descriptors of their own. */
__attribute__((constructor(101))) static void open_standard_descriptors(void) {
  int fd;
  do {
    fd = open("/dev/null", O_RDONLY);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

int clinux_reserve_descriptors(int count) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int last = fcntl(fd, F_DUPFD_CLOEXEC, count - 1);
  int result = last < 0 ? -errno : 0;
  if (last >= 0) close(last);
  close(fd);
  return result;
}

_Noreturn static void become(const struct clinux_spawn *request) {
  char permission;
  ssize_t result;
  do {
    result = read(CHILD_GO, &permission, 1);
  } while (result < 0 && errno == EINTR);
  if (result != 1) _exit(127); /* the parent is gone */
  if (request->has_session && setsid() < 0) die(CHILD_REPORT, CLINUX_SPAWN_SESSION);
  if (request->has_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) die(CHILD_REPORT, CLINUX_SPAWN_SESSION);
  reset_signals();
  if (request->file_mask >= 0) umask((mode_t)request->file_mask);
  if (request->descriptors > 0) limit_descriptors(request->descriptors);
  if (request->netns >= 0 && enter_namespace(CHILD_NETNS) < 0) die(CHILD_REPORT, CLINUX_SPAWN_NAMESPACE);
  if (request->directory != NULL && chdir(request->directory) < 0) die(CHILD_REPORT, CLINUX_SPAWN_DIRECTORY);
  execve(request->executable, request->arguments, request->environment);
  die(CHILD_REPORT, CLINUX_SPAWN_EXEC);
}

/* The child: the process itself, or its short-lived parent, whose end makes init adopt the process. */
_Noreturn static void run_child(const struct clinux_spawn *request, const struct channel *channel) {
  if (arrange_descriptors(request, channel) < 0) die(channel->report[1], CLINUX_SPAWN_DESCRIPTORS);
  if (request->is_detached) {
    pid_t process = _Fork();
    if (process < 0) die(CHILD_REPORT, CLINUX_SPAWN_FORK);
    if (process > 0) {
      send_report(CHILD_REPORT, REPORT_PROCESS, process);
      _exit(0);
    }
  } else {
    send_report(CHILD_REPORT, REPORT_PROCESS, getpid());
  }
  become(request);
}

/* Reads one report; false at the end of the pipe. */
static bool read_report(int fd, struct report *report) {
  ssize_t size;
  do {
    size = read(fd, report, sizeof *report);
  } while (size < 0 && errno == EINTR);
  return size == (ssize_t)sizeof *report;
}

/* Follows the child until exec; returns its number or -errno. */
static int supervise(const struct channel *channel, uint64_t *start_time, int *step) {
  struct report report;
  if (!read_report(channel->report[0], &report)) return -ECHILD;
  if (report.kind == REPORT_PROCESS) {
    int process = report.value;
    char state;
    int result = clinux_process_status(process, start_time, &state);
    if (result < 0) return result;
    if (send(channel->go[1], "", 1, MSG_NOSIGNAL) != 1) return -errno;
    if (!read_report(channel->report[0], &report)) return process;
  }
  *step = report.kind;
  return report.value == 0 ? -EPROTO : -report.value;
}

static void wait_for(pid_t child) {
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
}

static int make_channel(struct channel *channel) {
  int result = clinux_pipe(channel->report);
  if (result < 0) return result;
  result = clinux_pipe_of_sockets(channel->go);
  if (result < 0) {
    close(channel->report[0]);
    close(channel->report[1]);
  }
  return result;
}

int clinux_spawn(const struct clinux_spawn *request, uint64_t *start_time, int *step) {
  struct channel channel;
  *step = CLINUX_SPAWN_FORK;
  int result = make_channel(&channel);
  if (result < 0) return result;

  /* No handler of ours may run in the child. */
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  pid_t child = _Fork();
  if (child == 0) run_child(request, &channel);
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &previous, NULL);

  close(channel.report[1]);
  close(channel.go[0]);
  result = child < 0 ? -fork_error : supervise(&channel, start_time, step);
  close(channel.report[0]);
  close(channel.go[1]);
  if (child > 0 && (request->is_detached || result < 0)) wait_for(child);
  return result;
}
