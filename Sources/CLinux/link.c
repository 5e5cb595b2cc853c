/* What netlink does not do for links: ethtool's settings. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "CLinux.h"

/* The kernel's bitmaps of link modes have at most SCHAR_MAX words, and a setting carries three. */
union settings {
  struct ethtool_link_settings head;
  char room[sizeof(struct ethtool_link_settings) + 3 * 127 * sizeof(uint32_t)];
};

int clinux_link_index(const char *name) {
  unsigned index = if_nametoindex(name);
  return index == 0 ? -errno : (int)index;
}

static int exchange(int fd, const char *name, void *data) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_data = data;
  return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* ETHTOOL_GLINKSETTINGS: asked with no bitmap words, the kernel answers how many it wants (negative); ask again. */
static int get_settings(int fd, const char *name, union settings *settings) {
  memset(settings, 0, sizeof *settings);
  settings->head.cmd = ETHTOOL_GLINKSETTINGS;
  int result = exchange(fd, name, settings);
  if (result < 0) return result;
  if (settings->head.link_mode_masks_nwords >= 0) return -EPROTO;
  settings->head.link_mode_masks_nwords = (int8_t)-settings->head.link_mode_masks_nwords;
  settings->head.cmd = ETHTOOL_GLINKSETTINGS;
  return exchange(fd, name, settings);
}

int clinux_link_set_speed(const char *name, uint32_t megabits) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  union settings settings;
  int result = get_settings(fd, name, &settings);
  if (result == 0) {
    settings.head.cmd = ETHTOOL_SLINKSETTINGS;
    settings.head.speed = megabits;
    settings.head.duplex = DUPLEX_FULL;
    result = exchange(fd, name, &settings);
  }
  close(fd);
  return result;
}

int clinux_link_speed(const char *name, uint32_t *megabits) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  union settings settings;
  int result = get_settings(fd, name, &settings);
  if (result == 0) *megabits = settings.head.speed;
  close(fd);
  return result;
}

int clinux_link_large_receive(const char *name, int wanted) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
  int result = exchange(fd, name, &value);
  const int former = (value.data & ETH_FLAG_LRO) != 0;
  if (result == 0 && wanted >= 0 && wanted != former) {
    value.cmd = ETHTOOL_SFLAGS;
    value.data = wanted ? value.data | ETH_FLAG_LRO : value.data & ~(uint32_t)ETH_FLAG_LRO;
    result = exchange(fd, name, &value);
  }
  close(fd);
  return result < 0 ? result : former;
}
