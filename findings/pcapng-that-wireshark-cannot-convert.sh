#!/bin/sh
# The guess: a pcapng file that is right by the draft, and that Wireshark shows without complaint, can be converted by
# Wireshark's own programs. The draft lets name resolution blocks stand anywhere behind the section's head, and gives
# packets an option for the verdict of who let them through or not (epb_verdict, code 7).
#
# What is so (Wireshark 4.0.17): a file's link type is taken from the interface blocks that stand directly behind the
# section's head. With a name resolution block before the first of them the type stays unknown: capinfos reads all of the
# file, and editcap, mergecap and reordercap refuse it in any format ("can't be written as a "pcapng" file"), pcapng
# included. And a verdict of type 0 (hardware) is read, but written with the code of another option (6, epb_queue), with
# a length of one byte: editcap ends with 0, and what it wrote is damaged, for Wireshark itself too.
#
# What follows: names stand behind the first interfaces, also in the files of a ring, where they are repeated; who adds
# an interface later need not care. A drop is told in the packet's comment; the verdict is left out (`--verdicts` writes
# it). That Wireshark opens a file says nothing: try to convert it.
#
# Seen on 2026-11-28, Debian 12, x86-64:
#   Editcap (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3).
#   as described: a file with names before its interface is read
#   as described: editcap cannot write it as pcapng
#   as described: editcap cannot write it as pcap
#   as described: mergecap cannot either
#   as described: reordercap cannot either
#   as described: with the names behind the interface it can be written
#   as described: with names before the second interface too
#   as described: a file with a verdict is read
#   as described: editcap writes it and ends with 0
#   as described: capinfos finds what was written damaged
#   as described: without the verdict it is whole
set -u
pins='
wireshark-common=4.0.17-0+deb12u3
libwiretap13=4.0.17-0+deb12u3
libwsutil14=4.0.17-0+deb12u3
libglib2.0-0=2.74.6-2+deb12u9
'
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 2
# shellcheck disable=SC2086  # a list of words
apt-get download $pins >log 2>&1 || { tail -n 3 log; echo "cannot download the packages"; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root || exit 2; done
LD_LIBRARY_PATH=$T/root/usr/lib/x86_64-linux-gnu:$T/root/lib/x86_64-linux-gnu
PATH=$T/root/usr/bin:$PATH
LC_ALL=C
export LD_LIBRARY_PATH PATH LC_ALL
editcap --version >version 2>&1 || { cat version; exit 2; }
head -n 1 version

status=0
# seen WHAT COMMAND...: the command must succeed.
seen() {
  what=$1
  shift
  if "$@" >out 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat out; status=1; fi
}
# fails WORDS COMMAND...: it must not, and say so.
fails() {
  words=$1
  shift
  ! "$@" >said 2>&1 && grep -q "$words" said
}

# Blocks, least significant byte first: type, size, body, size.
section() { printf '\012\015\015\012\034\0\0\0\115\074\053\032\1\0\0\0\377\377\377\377\377\377\377\377\034\0\0\0'; }
interface() { printf '\1\0\0\0\024\0\0\0\1\0\0\0\0\0\0\0\024\0\0\0'; }
# 10.0.0.1 is h.
names() { printf '\4\0\0\0\034\0\0\0\1\0\6\0\012\0\0\1h\0\0\0\0\0\0\0\034\0\0\0'; }
# packet SIZE OPTIONS: 16 bytes of a frame of interface 0, 60 long, and options.
packet() {
  printf "\\6\\0\\0\\0\\$1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\020\\0\\0\\0\\074\\0\\0\\0"
  printf '\377\377\377\377\377\377\2\0\0\0\0\1\210\265\0\0'
  printf "$2\\$1\\0\\0\\0"
}
plain() { packet 060 ''; }
# epb_verdict: type 0, one byte; then the end of the options.
with_verdict() { packet 074 '\7\0\2\0\0\202\0\0\0\0\0\0'; }

{ section; names; interface; plain; } >before.pcapng
{ section; interface; names; plain; } >behind.pcapng
{ section; interface; names; interface; plain; } >between.pcapng
{ section; interface; with_verdict; } >verdict.pcapng
refusal="can't be written as a"
seen "a file with names before its interface is read" capinfos -c before.pcapng
seen "editcap cannot write it as pcapng" fails "$refusal" editcap before.pcapng new
seen "editcap cannot write it as pcap" fails "$refusal" editcap -F pcap before.pcapng new
seen "mergecap cannot either" fails "$refusal" mergecap -w new before.pcapng
seen "reordercap cannot either" fails "$refusal" reordercap before.pcapng new
seen "with the names behind the interface it can be written" editcap behind.pcapng new
seen "with names before the second interface too" editcap between.pcapng new

seen "a file with a verdict is read" capinfos -c verdict.pcapng
seen "editcap writes it and ends with 0" editcap verdict.pcapng new
seen "capinfos finds what was written damaged" fails 'damaged or corrupt' capinfos -c new
editcap behind.pcapng new
seen "without the verdict it is whole" capinfos -c new
exit $status
