/*
 * The words of ethtool that the built-in guest needs: which of its queues a NIC uses, and what it leaves to its hardware.
 *
 *   ethtool -l INTERFACE              prints how many pairs of queues there are, and how many are in use
 *   ethtool -L INTERFACE combined N   has the NIC use so many
 *   ethtool -k INTERFACE              prints whether it cuts TCP segments (tso) and joins them (lro)
 *   ethtool -K INTERFACE tso|lro on|off
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Asks the driver of an interface something in a structure of ethtool's; ends the program if it says no. */
static void ask(const char *interface, void *question) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  request.ifr_data = question;
  int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  if (socket_ < 0 || ioctl(socket_, SIOCETHTOOL, &request) < 0) {
    fprintf(stderr, "ethtool: %s: %s\n", interface, strerror(errno));
    exit(1);
  }
}

/* Asks for a number, or sets one. */
static unsigned ask_value(const char *interface, unsigned command, unsigned data) {
  struct ethtool_value value = {.cmd = command, .data = data};
  ask(interface, &value);
  return value.data;
}

static struct ethtool_channels channels_of(const char *interface) {
  struct ethtool_channels channels;
  memset(&channels, 0, sizeof channels);
  channels.cmd = ETHTOOL_GCHANNELS;
  ask(interface, &channels);
  return channels;
}

static void show_channels(const char *interface) {
  struct ethtool_channels channels = channels_of(interface);
  printf("Channel parameters for %s:\n", interface);
  printf("Pre-set maximums:\nCombined:\t%u\n", channels.max_combined);
  printf("Current hardware settings:\nCombined:\t%u\n", channels.combined_count);
}

static void set_channels(const char *interface, unsigned count) {
  struct ethtool_channels channels = channels_of(interface);
  channels.cmd = ETHTOOL_SCHANNELS;
  channels.combined_count = count;
  ask(interface, &channels);
}

static void show_features(const char *interface) {
  printf("Features for %s:\n", interface);
  printf("tcp-segmentation-offload: %s\n", ask_value(interface, ETHTOOL_GTSO, 0) ? "on" : "off");
  printf("large-receive-offload: %s\n", ask_value(interface, ETHTOOL_GFLAGS, 0) & ETH_FLAG_LRO ? "on" : "off");
}

static void set_large_receive(const char *interface, unsigned is_on) {
  unsigned flags = ask_value(interface, ETHTOOL_GFLAGS, 0) & ~(unsigned)ETH_FLAG_LRO;
  ask_value(interface, ETHTOOL_SFLAGS, is_on ? flags | ETH_FLAG_LRO : flags);
}

/* Obeys `-K INTERFACE FEATURE STATE`; 0 for other words. */
static int set_feature(const char *interface, const char *feature, const char *state) {
  unsigned is_on = strcmp(state, "on") == 0;
  if (!is_on && strcmp(state, "off") != 0) return 0;
  if (strcmp(feature, "tso") == 0) {
    ask_value(interface, ETHTOOL_STSO, is_on);
  } else if (strcmp(feature, "lro") == 0) {
    set_large_receive(interface, is_on);
  } else {
    return 0;
  }
  return 1;
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "-l") == 0) {
    show_channels(words[2]);
    return 0;
  }
  if (count == 3 && strcmp(words[1], "-k") == 0) {
    show_features(words[2]);
    return 0;
  }
  if (count == 5 && strcmp(words[1], "-K") == 0 && set_feature(words[2], words[3], words[4])) return 0;
  if (count == 5 && strcmp(words[1], "-L") == 0 && strcmp(words[3], "combined") == 0) {
    char *end;
    unsigned long wanted = strtoul(words[4], &end, 10);
    if (*words[4] != 0 && *end == 0 && wanted <= 65535) {
      set_channels(words[2], (unsigned)wanted);
      return 0;
    }
  }
  fprintf(stderr, "usage: ethtool -l|-k INTERFACE | ethtool -L INTERFACE combined N | "
                  "ethtool -K INTERFACE tso|lro on|off\n");
  return 2;
}
