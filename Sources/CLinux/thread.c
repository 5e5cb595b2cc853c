/* Threads with a name, a processor and a signal mask; signals as descriptors. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "CLinux.h"

_Static_assert(sizeof(pthread_t) == sizeof(uint64_t), "a thread is handed out as uint64_t");

struct start {
  void (*body)(void *);
  void *context;
  char name[16];
};

static void *run(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  prctl(PR_SET_NAME, start.name, 0, 0, 0);
  start.body(start.context);
  return NULL;
}

/* The thread inherits the mask that its creator has at that moment. */
static int create_masked(pthread_t *thread, const pthread_attr_t *attributes, struct start *start) {
  sigset_t blocked, previous;
  sigfillset(&blocked);
  const int open[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGUSR2};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) sigdelset(&blocked, open[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, &previous);
  int error = pthread_create(thread, attributes, run, start);
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  return error;
}

int clinux_thread_start(const char *name, int cpu, void (*body)(void *), void *context, uint64_t *thread) {
  if (cpu >= CPU_SETSIZE) return -EINVAL;
  int result = clinux_install_interrupt_handler();
  if (result < 0) return result;
  struct start *start = calloc(1, sizeof *start);
  if (start == NULL) return -ENOMEM;
  start->body = body;
  start->context = context;
  strncpy(start->name, name, sizeof start->name - 1);

  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error == 0 && cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    error = pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
  }
  pthread_t created;
  if (error == 0) error = create_masked(&created, &attributes, start);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    free(start);
    return -error;
  }
  *thread = (uint64_t)created;
  return 0;
}

int clinux_thread_join(uint64_t thread) { return -pthread_join((pthread_t)thread, NULL); }

int clinux_thread_detach(uint64_t thread) { return -pthread_detach((pthread_t)thread); }

int clinux_thread_interrupt(uint64_t thread) { return -pthread_kill((pthread_t)thread, SIGUSR2); }

int clinux_thread_id(void) { return gettid(); }

static void ignore(int number) { (void)number; }

static int interrupt_result;

static void install_interrupt_handler(void) {
  struct sigaction action = {.sa_handler = ignore, .sa_flags = 0};
  sigemptyset(&action.sa_mask);
  interrupt_result = sigaction(SIGUSR2, &action, NULL) < 0 ? -errno : 0;
}

int clinux_install_interrupt_handler(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install_interrupt_handler);
  return interrupt_result;
}

int clinux_thread_set_priority(int nice) { return setpriority(PRIO_PROCESS, 0, nice) < 0 ? -errno : 0; }

int clinux_ignore_pipe(void) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigemptyset(&action.sa_mask);
  return sigaction(SIGPIPE, &action, NULL) < 0 ? -errno : 0;
}

static int signal_set(const int *signals, size_t count, sigset_t *set) {
  sigemptyset(set);
  for (size_t i = 0; i < count; i++) {
    if (sigaddset(set, signals[i]) < 0) return -errno;
  }
  return 0;
}

int clinux_signals_block(const int *signals, size_t count) {
  sigset_t set;
  int result = signal_set(signals, count, &set);
  return result < 0 ? result : -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int clinux_signalfd(const int *signals, size_t count) {
  sigset_t set;
  int result = signal_set(signals, count, &set);
  if (result < 0) return result;
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_signalfd_read(int fd) {
  struct signalfd_siginfo info;
  ssize_t size;
  do {
    size = read(fd, &info, sizeof info);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return -errno;
  return size == (ssize_t)sizeof info ? (int)info.ssi_signo : -EIO;
}
