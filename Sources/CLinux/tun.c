/* TAP interfaces (Documentation/networking/tuntap.rst). */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "CLinux.h"

/* struct virtio_net_hdr_mrg_rxbuf, VIRTIO 1.2 section 5.1.6 */
enum { HEADER_SIZE = 12 };

_Static_assert(
    CLINUX_TAP_CSUM == TUN_F_CSUM && CLINUX_TAP_TSO4 == TUN_F_TSO4 && CLINUX_TAP_TSO6 == TUN_F_TSO6
        && CLINUX_TAP_ECN == TUN_F_TSO_ECN,
    "bits of TUNSETOFFLOAD");

/* A kernel refuses bits that it does not know, all together: those of USO came with 6.2. */
static int set_offloads(int fd, unsigned *offloads) {
  if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)*offloads) == 0) return 0;
  const unsigned older = *offloads & ~(unsigned)(CLINUX_TAP_USO4 | CLINUX_TAP_USO6);
  if (errno != EINVAL || older == *offloads) return -errno;
  if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)older) < 0) return -errno;
  *offloads = older;
  return 0;
}

static int configure(int fd, struct clinux_tap *tap, const char **call) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, tap->name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | (tap->has_header ? IFF_VNET_HDR : 0);
  *call = "TUNSETIFF";
  if (ioctl(fd, TUNSETIFF, &request) < 0) return -errno;
  if (tap->has_header) {
    int size = HEADER_SIZE, little_endian = 1;
    *call = "TUNSETVNETHDRSZ";
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) return -errno;
    *call = "TUNSETVNETLE";
    if (ioctl(fd, TUNSETVNETLE, &little_endian) < 0) return -errno;
  }
  *call = "TUNSETOFFLOAD";
  int result = set_offloads(fd, &tap->offloads);
  if (result < 0) return result;
  *call = "TUNSETPERSIST";
  if (ioctl(fd, TUNSETPERSIST, tap->is_persistent ? 1 : 0) < 0) return -errno;
  return 0;
}

int clinux_tap_set_carrier(int fd, bool up) {
  int carrier = up ? 1 : 0;
  return ioctl(fd, TUNSETCARRIER, &carrier) < 0 ? -errno : 0;
}

int clinux_tap_is_attached(int fd) {
  struct ifreq request = {0};
  return ioctl(fd, TUNGETIFF, &request) < 0 ? 0 : 1;
}

int clinux_tap_open(struct clinux_tap *tap, const char **call) {
  *call = "open /dev/net/tun";
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  int result = configure(fd, tap, call);
  if (result == 0) return fd;
  close(fd);
  return result;
}
