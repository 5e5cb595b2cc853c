/*
 * The two words of ethtool that the built-in guest needs: which of its queues a NIC uses.
 *
 *   ethtool -l INTERFACE              prints how many pairs of queues there are, and how many are in use
 *   ethtool -L INTERFACE combined N   has the NIC use so many
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

/* Asks the driver of an interface; ends the program if it says no. */
static void ask(const char *interface, struct ethtool_channels *channels, unsigned command) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  request.ifr_data = (char *)channels;
  channels->cmd = command;
  int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  if (socket_ < 0 || ioctl(socket_, SIOCETHTOOL, &request) < 0) {
    fprintf(stderr, "ethtool: %s: %s\n", interface, strerror(errno));
    exit(1);
  }
}

int main(int count, char **words) {
  struct ethtool_channels channels;
  memset(&channels, 0, sizeof channels);
  if (count == 3 && strcmp(words[1], "-l") == 0) {
    ask(words[2], &channels, ETHTOOL_GCHANNELS);
    printf("Channel parameters for %s:\n", words[2]);
    printf("Pre-set maximums:\nCombined:\t%u\n", channels.max_combined);
    printf("Current hardware settings:\nCombined:\t%u\n", channels.combined_count);
    return 0;
  }
  if (count == 5 && strcmp(words[1], "-L") == 0 && strcmp(words[3], "combined") == 0) {
    char *end;
    unsigned long wanted = strtoul(words[4], &end, 10);
    if (*words[4] != 0 && *end == 0 && wanted <= 65535) {
      ask(words[2], &channels, ETHTOOL_GCHANNELS);
      channels.combined_count = (unsigned)wanted;
      ask(words[2], &channels, ETHTOOL_SCHANNELS);
      return 0;
    }
  }
  fprintf(stderr, "usage: ethtool -l INTERFACE | ethtool -L INTERFACE combined N\n");
  return 2;
}
