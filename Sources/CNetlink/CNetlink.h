/*
 * libnl-3 and libnl-route-3: links, addresses and routes over netlink. Their functions are imported as they are; the
 * structures are opaque. What the headers give as macros is repeated here as constants with a type.
 */
#ifndef CNETLINK_H
#define CNETLINK_H

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>

#endif
