/* Router advertisements of no router (RFC 4861): an answer for who looks for one and would wait for it. */
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "CLinux.h"

static int prepare(int fd, unsigned index) {
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
  struct ipv6_mreq group = {.ipv6mr_interface = index};
  /* ff02::2, all routers. */
  group.ipv6mr_multiaddr.s6_addr[0] = 0xFF;
  group.ipv6mr_multiaddr.s6_addr[1] = 0x02;
  group.ipv6mr_multiaddr.s6_addr[15] = 0x02;
  /* Who hears it believes neighbours alone. */
  int hops = 255, off = 0, device = (int)index;
  if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) < 0 ||
      setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) < 0 ||
      setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off) < 0 ||
      setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &device, sizeof device) < 0 ||
      setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) < 0)
    return -errno;
  return 0;
}

int clinux_advertisement_open(const char *name) {
  unsigned index = if_nametoindex(name);
  if (index == 0) return -errno;
  int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
  if (fd < 0) return -errno;
  int result = prepare(fd, index);
  if (result < 0) {
    close(fd);
    return result;
  }
  return fd;
}

int clinux_advertisement_answer(int fd) {
  char question[2048];
  int questions = 0;
  while (questions < 64 && recv(fd, question, sizeof question, 0) >= 0) questions++;
  if (questions == 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  /* No prefix, no address by DHCPv6, and a lifetime of zero: nobody's routes or addresses change by it. */
  struct nd_router_advert answer = {.nd_ra_type = ND_ROUTER_ADVERT};
  struct sockaddr_in6 all = {.sin6_family = AF_INET6};
  /* ff02::1, all nodes. */
  all.sin6_addr.s6_addr[0] = 0xFF;
  all.sin6_addr.s6_addr[1] = 0x02;
  all.sin6_addr.s6_addr[15] = 0x01;
  if (sendto(fd, &answer, sizeof answer, 0, (struct sockaddr *)&all, sizeof all) < 0) return -errno;
  return 1;
}
