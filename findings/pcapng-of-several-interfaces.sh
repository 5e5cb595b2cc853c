#!/bin/sh
# The guess: in pcapng each interface has its own snap length and link type, so a program that reads pcapng reads a file
# whose interfaces differ in them; a snap length of 0 (no limit) fits to any other.
#
# What is so (tcpdump 4.99.3 with libpcap 1.10.3): libpcap has one snap length and one link type for a file, those of the
# first interface. It stops at the first other interface that has others, where that is described, and gives none of the
# frames behind it, not even those of the first interface; 0 counts as 262144, and differs from 96. Wireshark's mergecap
# makes such files of good ones without a word.
#
# What follows: say the same snap length for all interfaces in all files, whatever was kept of frames: 0. The lengths of
# each packet say what was cut.
#
# Seen on 2026-11-28, Debian 12, x86-64:
#   tcpdump version 4.99.3
#   as described: two interfaces of one snap length are read
#   as described: 0 and 262144 are one
#   as described: 96 and 0 are not
#   as described: nothing behind the second interface is read, of neither
#   as described: what came before it is
#   as described: Ethernet and raw IP are not read from one file either
set -u
pins='
tcpdump=4.99.3-1
libpcap0.8=1.10.3-1
'
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 2
# shellcheck disable=SC2086  # a list of words
apt-get download $pins >log 2>&1 || { tail -n 3 log; echo "cannot download the packages"; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root || exit 2; done
LD_LIBRARY_PATH=$T/root/usr/lib/x86_64-linux-gnu:$T/root/lib/x86_64-linux-gnu
PATH=$T/root/usr/bin:$T/root/usr/sbin:$PATH
export LD_LIBRARY_PATH PATH
tcpdump --version >version 2>&1 || { cat version; exit 2; }
head -n 1 version

status=0
# seen WHAT COMMAND...: the command must succeed.
seen() {
  what=$1
  shift
  if "$@" >out 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat out; status=1; fi
}
# As a user who is there: tcpdump wants to become one of its own, which the package would have made.
frames() { [ "$(tcpdump -Z "$(id -un)" -n -r "$1" 2>said | grep -c 0x88b5)" = "$2" ]; }
complains() { tcpdump -Z "$(id -un)" -n -r "$2" 2>&1 | grep -q "$1"; }

# Blocks, least significant byte first: type, size, body, size.
section() { printf '\012\015\015\012\034\0\0\0\115\074\053\032\1\0\0\0\377\377\377\377\377\377\377\377\034\0\0\0'; }
# interface TYPE SNAP: both as escapes, of two and four bytes.
interface() { printf "\\1\\0\\0\\0\\024\\0\\0\\0$1\\0\\0$2\\024\\0\\0\\0"; }
# packet NUMBER: 16 bytes of a frame of that interface, 60 long.
packet() {
  printf "\\6\\0\\0\\0\\060\\0\\0\\0\\$1\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\020\\0\\0\\0\\074\\0\\0\\0"
  printf '\377\377\377\377\377\377\2\0\0\0\0\1\210\265\0\0\060\0\0\0'
}
ethernet='\1\0'
raw='\145\0'
all='\0\0\0\0'
most='\0\0\4\0'
few='\140\0\0\0'

{ section; interface "$ethernet" "$few"; interface "$ethernet" "$few"; packet 0; packet 1; } >same
{ section; interface "$ethernet" "$all"; interface "$ethernet" "$most"; packet 0; packet 1; } >limit
{ section; interface "$ethernet" "$few"; interface "$ethernet" "$all"; packet 0; packet 1; } >other
{ section; interface "$ethernet" "$few"; packet 0; interface "$ethernet" "$all"; packet 0; packet 1; } >later
{ section; interface "$ethernet" "$all"; interface "$raw" "$all"; packet 0; } >types
seen "two interfaces of one snap length are read" frames same 2
seen "0 and 262144 are one" frames limit 2
seen "96 and 0 are not" complains 'different from the snapshot length of the first interface' other
seen "nothing behind the second interface is read, of neither" frames other 0
seen "what came before it is" frames later 1
seen "Ethernet and raw IP are not read from one file either" complains 'different from the type of the first' types
exit $status
