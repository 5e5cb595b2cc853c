/* Keeps the host's own stack off an interface by filters of tc(8): what comes in is dropped behind all packet sockets, and
 * only what one of them sent, with a mark, goes out. Also the second names of links, which libnl-route does not read. */
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "CLinux.h"

enum { PRIORITY = 1, HANDLE = 0x41505553, BUFFER_SIZE = 32768 };

struct request {
  struct nlmsghdr header;
  union {
    struct tcmsg traffic;
    struct ifinfomsg link;
  };
  char attributes[512];
};

static struct nlattr *add(struct request *request, uint16_t type, const void *data, size_t size) {
  char *end = (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
  struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
  memcpy(end, &attribute, sizeof attribute);
  if (size > 0) memcpy(end + NLA_HDRLEN, data, size);
  request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)NLA_ALIGN(NLA_HDRLEN + size);
  return (struct nlattr *)end;
}

static void end_nest(struct request *request, struct nlattr *nest) {
  nest->nla_len = (uint16_t)((char *)request + request->header.nlmsg_len - (char *)nest);
}

static int route_socket(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return fd < 0 ? -errno : fd;
}

/* Sends a request and waits for the kernel's word: 0 or -errno. */
static int carry_out(int fd, struct request *request) {
  request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  if (send(fd, request, request->header.nlmsg_len, 0) < 0) return -errno;
  char buffer[BUFFER_SIZE];
  for (;;) {
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return -errno;
    struct nlmsghdr header;
    if ((size_t)size < sizeof header + sizeof(int)) return -EPROTO;
    memcpy(&header, buffer, sizeof header);
    if (header.nlmsg_type != NLMSG_ERROR) continue;
    int error;
    memcpy(&error, buffer + NLMSG_HDRLEN, sizeof error);
    return error;
  }
}

static struct request traffic(uint16_t type, uint16_t flags, int index) {
  struct request request = {0};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.traffic);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = flags;
  request.traffic.tcm_family = AF_UNSPEC;
  request.traffic.tcm_ifindex = index;
  return request;
}

static int change_qdisc(int fd, uint16_t type, uint16_t flags, int index) {
  struct request request = traffic(type, flags, index);
  request.traffic.tcm_parent = TC_H_CLSACT;
  request.traffic.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  add(&request, TCA_KIND, "clsact", sizeof "clsact");
  return carry_out(fd, &request);
}

static struct request filter(uint16_t type, uint16_t flags, int index, bool is_egress) {
  struct request request = traffic(type, flags, index);
  request.traffic.tcm_parent = TC_H_MAKE(TC_H_CLSACT, is_egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
  request.traffic.tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
  request.traffic.tcm_handle = HANDLE;
  add(&request, TCA_KIND, "bpf", sizeof "bpf");
  return request;
}

/* A program of classic BPF whose result is what becomes of the frame. */
static int add_filter(int fd, int index, bool is_egress, uint32_t mark) {
  const struct sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT)};
  const struct sock_filter check[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
      BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
  };
  const uint16_t length = is_egress ? sizeof check / sizeof *check : sizeof drop / sizeof *drop;
  const uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
  struct request request = filter(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, index, is_egress);
  struct nlattr *options = add(&request, TCA_OPTIONS, NULL, 0);
  add(&request, TCA_BPF_FLAGS, &flags, sizeof flags);
  add(&request, TCA_BPF_OPS_LEN, &length, sizeof length);
  add(&request, TCA_BPF_OPS, is_egress ? check : drop, length * sizeof *drop);
  end_nest(&request, options);
  return carry_out(fd, &request);
}

static int remove_filter(int fd, int index, bool is_egress) {
  struct request request = filter(RTM_DELTFILTER, 0, index, is_egress);
  return carry_out(fd, &request);
}

int clinux_link_deafen(int index, uint32_t mark, bool *made_qdisc) {
  int fd = route_socket();
  if (fd < 0) return fd;
  int result = change_qdisc(fd, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index);
  *made_qdisc = result == 0;
  if (result == 0 || result == -EEXIST) {
    int inward = add_filter(fd, index, false, mark);
    result = inward;
    /* One that is there may be ours, of an attempt that was cut short: the other one may be missing then. */
    if (inward == 0 || inward == -EEXIST) {
      int outward = add_filter(fd, index, true, mark);
      if (outward < 0 && outward != -EEXIST && inward == 0) remove_filter(fd, index, false);
      if (outward < 0) result = outward;
    }
    if (result < 0 && *made_qdisc) change_qdisc(fd, RTM_DELQDISC, 0, index);
  }
  close(fd);
  return result;
}

int clinux_link_undeafen(int index, bool removes_qdisc) {
  int fd = route_socket();
  if (fd < 0) return fd;
  int results[2];
  for (int i = 0; i < 2; i++) results[i] = remove_filter(fd, index, i == 1);
  int result = removes_qdisc ? change_qdisc(fd, RTM_DELQDISC, 0, index) : 0;
  close(fd);
  for (int i = 0; i < 2; i++) {
    /* No such filter, or no qdisc that could have one. */
    if (results[i] < 0 && results[i] != -ENOENT && results[i] != -EINVAL) return results[i];
  }
  return result == -ENOENT || result == -EINVAL ? 0 : result;
}

/* The first second name that begins with `prefix`, among the attributes of a link. */
static bool find_name(const char *attributes, size_t size, uint16_t type, const char *prefix, char name[128]) {
  size_t place = 0;
  while (place + NLA_HDRLEN <= size) {
    struct nlattr attribute;
    memcpy(&attribute, attributes + place, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || place + attribute.nla_len > size) return false;
    const char *data = attributes + place + NLA_HDRLEN;
    const size_t length = attribute.nla_len - NLA_HDRLEN;
    const uint16_t found = attribute.nla_type & NLA_TYPE_MASK;
    if (found == type && type == IFLA_PROP_LIST) {
      if (find_name(data, length, IFLA_ALT_IFNAME, prefix, name)) return true;
    } else if (found == type && length > 1 && length <= 128 && data[length - 1] == '\0') {
      if (strncmp(data, prefix, strlen(prefix)) == 0) {
        memcpy(name, data, length);
        return true;
      }
    }
    place += NLA_ALIGN(attribute.nla_len);
  }
  return false;
}

int clinux_link_mark(int index, const char *prefix, char name[128], bool *is_ethernet) {
  name[0] = '\0';
  *is_ethernet = false;
  int fd = route_socket();
  if (fd < 0) return fd;
  struct request request = {0};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_index = index;
  char buffer[BUFFER_SIZE];
  ssize_t size = send(fd, &request, request.header.nlmsg_len, 0);
  if (size >= 0) size = recv(fd, buffer, sizeof buffer, 0);
  const int error = errno;
  close(fd);
  if (size < 0) return -error;
  struct nlmsghdr header;
  struct ifinfomsg link;
  const size_t head = NLMSG_ALIGN(NLMSG_LENGTH(sizeof link));
  if ((size_t)size < sizeof header) return -EPROTO;
  memcpy(&header, buffer, sizeof header);
  if (header.nlmsg_type == NLMSG_ERROR) return -ENODEV;
  if (header.nlmsg_type != RTM_NEWLINK || (size_t)size < head || header.nlmsg_len > (size_t)size) return -EPROTO;
  memcpy(&link, buffer + NLMSG_HDRLEN, sizeof link);
  *is_ethernet = link.ifi_type == ARPHRD_ETHER;
  return find_name(buffer + head, header.nlmsg_len - head, IFLA_PROP_LIST, prefix, name) ? 1 : 0;
}
