/* libpcap: its compiler of filter expressions. */
#ifndef CPCAP_H
#define CPCAP_H

#include <pcap/pcap.h>

#endif
