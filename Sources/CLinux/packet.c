/* Packet sockets (packet(7)): all frames of one interface, each with a virtio-net header and with its tag beside it. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "CLinux.h"

/* In headers since 6.5; a kernel that knows it takes large UDP frames too. */
#ifndef PACKET_VNET_HDR_SZ
#define PACKET_VNET_HDR_SZ 24
#endif
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum {
  HEADER_SIZE = sizeof(struct virtio_net_hdr),
  TAG_SIZE = 4,
  ADDRESSES_SIZE = 12,
  /* Frames wait here while the worker is busy: some hundred large ones. */
  BUFFER_SIZE = 16 << 20,
};

_Static_assert(HEADER_SIZE == CLINUX_PACKET_HEADER, "the header of PACKET_VNET_HDR");
_Static_assert(
    sizeof(struct clinux_piece) == sizeof(struct iovec)
        && offsetof(struct clinux_piece, base) == offsetof(struct iovec, iov_base)
        && offsetof(struct clinux_piece, size) == offsetof(struct iovec, iov_len),
    "a piece is an iovec");
_Static_assert(CLINUX_PACKET_START >= HEADER_SIZE, "a header lies in front of each frame");

/* The privileged way goes beyond the system's limit. */
static void set_buffer(int fd, int privileged, int plain) {
  int size = BUFFER_SIZE;
  if (setsockopt(fd, SOL_SOCKET, privileged, &size, sizeof size) < 0) {
    setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size);
  }
}

static int set_up(int fd, struct clinux_packet_socket *request, const char **call) {
  int one = 1, size = HEADER_SIZE;
  *call = "PACKET_VNET_HDR";
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) < 0) return -errno;
  request->takes_udp = setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR_SZ, &size, sizeof size) == 0;
  *call = "PACKET_AUXDATA";
  if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one) < 0) return -errno;
  *call = "PACKET_IGNORE_OUTGOING";
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0) return -errno;
  *call = "SO_MARK";
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, &request->mark, sizeof request->mark) < 0) return -errno;
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  struct packet_mreq member = {.mr_ifindex = request->index, .mr_type = PACKET_MR_PROMISC};
  *call = "PACKET_ADD_MEMBERSHIP";
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof member) < 0) return -errno;
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = request->index};
  *call = "bind";
  /* Of an interface that is down the kernel says ENETDOWN, and hears of it when it is up. */
  return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

int clinux_packet_open(struct clinux_packet_socket *request, const char **call) {
  *call = "socket";
  /* No protocol: nothing is received before it is bound to its interface. */
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int result = set_up(fd, request, call);
  if (result == 0) return fd;
  close(fd);
  return result;
}

/* The tag that the kernel took out of a frame: type and tag control, 0 = it had none. */
static uint32_t tag_of(struct msghdr *message) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_PACKET || header->cmsg_type != PACKET_AUXDATA) continue;
    struct tpacket_auxdata data;
    if (header->cmsg_len < CMSG_LEN(sizeof data)) return 0;
    memcpy(&data, CMSG_DATA(header), sizeof data);
    if ((data.tp_status & TP_STATUS_VLAN_VALID) == 0) return 0;
    const uint32_t type = (data.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? data.tp_vlan_tpid : ETH_P_8021Q;
    return type << 16 | data.tp_vlan_tci;
  }
  return 0;
}

/* Puts a tag back in its place: the addresses move to the front, where the header has been read. */
static void put_back(char *frame, uint32_t tag) {
  memmove(frame - TAG_SIZE, frame, ADDRESSES_SIZE);
  const uint32_t word = htonl(tag);
  memcpy(frame - TAG_SIZE + ADDRESSES_SIZE, &word, sizeof word);
}

static void describe(struct mmsghdr *message, char *base, struct clinux_packet *packet) {
  *packet = (struct clinux_packet){.start = CLINUX_PACKET_START};
  const bool is_whole = (message->msg_hdr.msg_flags & MSG_TRUNC) == 0;
  if (!is_whole || message->msg_len < HEADER_SIZE) return;
  char *frame = base + CLINUX_PACKET_START;
  memcpy(&packet->header, frame - HEADER_SIZE, sizeof packet->header);
  memcpy(&packet->checksum_offset, frame - HEADER_SIZE + sizeof packet->header, sizeof packet->checksum_offset);
  packet->size = message->msg_len - HEADER_SIZE;
  const uint32_t tag = tag_of(&message->msg_hdr);
  if (tag == 0 || packet->size < ADDRESSES_SIZE) return;
  put_back(frame, tag);
  packet->start -= TAG_SIZE;
  packet->size += TAG_SIZE;
  packet->tag_size = TAG_SIZE;
}

int clinux_packet_receive(int fd, void *base, size_t stride, unsigned count, struct clinux_packet *packets) {
  struct mmsghdr messages[CLINUX_PACKET_BURST];
  struct iovec pieces[CLINUX_PACKET_BURST];
  _Alignas(struct cmsghdr) char control[CLINUX_PACKET_BURST][CMSG_SPACE(sizeof(struct tpacket_auxdata))];
  if (count > CLINUX_PACKET_BURST) count = CLINUX_PACKET_BURST;
  for (unsigned i = 0; i < count; i++) {
    char *slot = (char *)base + i * stride;
    pieces[i] = (struct iovec){
        .iov_base = slot + CLINUX_PACKET_START - HEADER_SIZE,
        .iov_len = stride - CLINUX_PACKET_START + HEADER_SIZE};
    messages[i] = (struct mmsghdr){
        .msg_hdr = {
            .msg_iov = &pieces[i],
            .msg_iovlen = 1,
            .msg_control = control[i],
            .msg_controllen = sizeof control[i]}};
  }
  int received = -1;
  /* Once after the interface was set down the socket says so, in front of what came before. */
  for (int attempt = 0; attempt < 2; attempt++) {
    received = recvmmsg(fd, messages, count, MSG_DONTWAIT, NULL);
    if (received >= 0 || errno == EAGAIN) break;
  }
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) describe(&messages[i], (char *)base + (size_t)i * stride, &packets[i]);
  return received;
}

int clinux_packet_send(int fd, struct clinux_piece *pieces, const uint16_t *counts, unsigned count) {
  struct mmsghdr messages[CLINUX_PACKET_BURST];
  if (count > CLINUX_PACKET_BURST) count = CLINUX_PACKET_BURST;
  for (unsigned i = 0; i < count; i++) {
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = counts[i]}};
    pieces += counts[i];
  }
  const int sent = sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}
