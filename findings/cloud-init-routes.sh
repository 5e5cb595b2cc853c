#!/bin/sh
# The guess: network configuration of version 2 is netplan's format, and cloud-init gives the same routes to whichever
# network program a system has: `metric` and `on-link` too.
#
# What is so (cloud-init 22.4.2): it hands version 2 on as it is to netplan alone. For systemd-networkd and ifupdown a
# route keeps its destination and gateway, and loses `metric` and `on-link` without a word (network_state.py takes `to`
# and `via` of a route, and nothing else). So a gateway outside every subnet is refused by the kernel at boot, and of two
# routes to one destination one is left out.
#
# What follows: `metric:` and `onlink:` of a lab file are true in images with netplan (Debian 12's for the cloud,
# Ubuntu's); in others say them in a `network-config` or `user-data` of your own.
#
# Seen on 2026-11-28, Debian 12, x86-64:
#   cloud-init 22.4.2-1+deb12u4
#   as described: netplan is given metric and on-link
#   as described: systemd-networkd is given the gateway
#   as described: and neither GatewayOnLink nor Metric
#   as described: ifupdown is given the gateway
#   as described: and no metric
set -u
pins='
cloud-init=22.4.2-1+deb12u4
python3-yaml=6.0-3+b2
libyaml-0-2=0.2.5-1
'
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 2
command -v python3 >/dev/null || { echo "no python3 on this host"; exit 2; }
# shellcheck disable=SC2086  # a list of words
apt-get download $pins >log 2>&1 || { tail -n 3 log; echo "cannot download the packages"; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root || exit 2; done
export PYTHONPATH="$T/root/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$T/root/usr/lib/x86_64-linux-gnu"
echo "cloud-init $(dpkg-deb -f cloud-init_*.deb Version)"

cat >config.yaml <<'YAML'
version: 2
ethernets:
  eth0:
    match: { macaddress: "02:00:00:00:00:01" }
    set-name: eth0
    addresses: [192.0.2.7/32]
    routes: [{ to: 0.0.0.0/0, via: 198.51.100.1, on-link: true, metric: 50 }]
YAML
cat >render.py <<'PYTHON'
import yaml
from cloudinit.net import eni, netplan, network_state, networkd
state = network_state.parse_net_config_data(yaml.safe_load(open("config.yaml")))
open("netplan", "w").write(netplan.Renderer({})._render_content(state))
open("networkd", "w").write("".join(networkd.Renderer({})._render_content(state).values()))
open("ifupdown", "w").write(eni.Renderer({})._render_interfaces(state))
PYTHON
python3 render.py >log 2>&1 || { tail -n 1 log; echo "cannot run cloud-init here"; exit 2; }

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null; then echo "as described: $what"; else echo "CHANGED: $what"; status=1; fi
}
lacks() { ! grep -qiE "$1" "$2"; }
both() { grep -q 'metric: 50' netplan && grep -q 'on-link: true' netplan; }
seen "netplan is given metric and on-link" both
seen "systemd-networkd is given the gateway" grep -x 'Gateway=198.51.100.1' networkd
seen "and neither GatewayOnLink nor Metric" lacks 'onlink|metric' networkd
seen "ifupdown is given the gateway" grep 'gw 198.51.100.1' ifupdown
seen "and no metric" lacks 'metric|onlink' ifupdown
exit $status
