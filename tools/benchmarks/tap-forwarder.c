/*
 * The least that can stand between two TAPs, as a bound for tools/bench: one thread, epoll, each frame read into one
 * buffer and written to the other TAP at once, with the same offloads as Apus' TAPs. It looks at no frame.
 *
 * Usage: tap-forwarder NAME NAME
 *
 * Makes both interfaces, says "ready" and forwards until it is told to end; the interfaces then go with it. They may be
 * moved to namespaces meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { HEADER = 12, LARGEST = 65539, TURN = 32 };

static int open_tap(const char *name) {
  struct ifreq request;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), size = HEADER;
  if (fd < 0) return -1;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(fd, TUNSETIFF, &request) < 0) return -1;
  if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) return -1;
  if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0) return -1;
  return fd;
}

/* Moves up to TURN frames; 1 = there may be more. */
static int move(int from, int to) {
  static char buffer[HEADER + LARGEST + 1];
  for (int i = 0; i < TURN; i++) {
    ssize_t size = read(from, buffer, sizeof buffer);
    if (size < 0) return errno == EINTR;
    /* A frame that is not taken is lost, as on a full line. */
    if (write(to, buffer, (size_t)size) < 0 && errno == EBADFD) return 0;
  }
  return 1;
}

int main(int count, char **words) {
  int taps[2], waiting = epoll_create1(EPOLL_CLOEXEC), busy[2] = {0, 0};
  if (count != 3) {
    fprintf(stderr, "usage: tap-forwarder NAME NAME\n");
    return 2;
  }
  for (int i = 0; i < 2; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (unsigned)i};
    taps[i] = open_tap(words[i + 1]);
    if (taps[i] < 0 || epoll_ctl(waiting, EPOLL_CTL_ADD, taps[i], &event) < 0) {
      fprintf(stderr, "tap-forwarder: %s: %s\n", words[i + 1], strerror(errno));
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[2];
    int found = epoll_wait(waiting, events, 2, busy[0] || busy[1] ? 0 : -1);
    for (int i = 0; i < found; i++) busy[events[i].data.u32] = 1;
    for (int i = 0; i < 2; i++)
      if (busy[i]) busy[i] = move(taps[i], taps[1 - i]);
  }
}
