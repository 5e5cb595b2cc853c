/* News of links over rtnetlink(7): which are up, down, gone. */
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "CLinux.h"

/* Only the head of a message is looked at, whatever else the kernel says of a link. */
enum { BUFFER_SIZE = 4096 };

int clinux_link_news_open(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int clinux_link_news_ask(int fd, int index) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } request = {0};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  /* An error comes back with this number, and with no other. */
  request.header.nlmsg_seq = (uint32_t)index;
  request.link.ifi_index = index;
  return send(fd, &request, sizeof request, 0) < 0 ? -errno : 0;
}

/* What one message says of a link; false if it is about something else. */
static bool note(const struct nlmsghdr *header, const char *body, size_t size, struct clinux_link_news *news) {
  if (header->nlmsg_type == NLMSG_ERROR) {
    struct nlmsgerr error;
    if (size < sizeof error) return false;
    memcpy(&error, body, sizeof error);
    *news = (struct clinux_link_news){.index = (int)header->nlmsg_seq, .state = CLINUX_LINK_GONE};
    return error.error == -ENODEV;
  }
  if (header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK) return false;
  struct ifinfomsg link;
  if (size < sizeof link) return false;
  memcpy(&link, body, sizeof link);
  /* A bridge tells of its ports with a family of its own, and "removed" is not "gone" there. */
  if (link.ifi_family != AF_UNSPEC) return false;
  news->index = link.ifi_index;
  news->has_carrier = false;
  if (header->nlmsg_type == RTM_DELLINK) {
    news->state = CLINUX_LINK_GONE;
  } else {
    news->state = (link.ifi_flags & IFF_UP) != 0 ? CLINUX_LINK_UP : CLINUX_LINK_DOWN;
    news->has_carrier = (link.ifi_flags & IFF_LOWER_UP) != 0;
  }
  return true;
}

int clinux_link_news_take(int fd, struct clinux_link_news *news, size_t capacity) {
  char buffer[BUFFER_SIZE];
  struct sockaddr_nl sender = {0};
  socklen_t sender_size = sizeof sender;
  ssize_t received;
  do {
    received = recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&sender, &sender_size);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  /* Processes may speak to a group as well. */
  if (sender.nl_pid != 0) return 0;
  int count = 0;
  size_t place = 0, size = (size_t)received;
  while ((size_t)count < capacity && place + sizeof(struct nlmsghdr) <= size) {
    struct nlmsghdr header;
    memcpy(&header, buffer + place, sizeof header);
    if (header.nlmsg_len < sizeof header) break;
    size_t body = place + NLMSG_HDRLEN;
    if (body < size && note(&header, buffer + body, size - body, &news[count])) count++;
    place += NLMSG_ALIGN(header.nlmsg_len);
  }
  return count;
}
