#!/bin/sh
# The guess: a VMDK overlay notes down which state of its parent it belongs to (parentCID in its descriptor), so QEMU
# refuses to open it over a parent that has changed, and `qemu-img check`, which looks for damage, says so; of a qcow2
# overlay, which has only its image's path, it says at least that something is wrong when the image became shorter.
#
# What is so (QEMU 7.2): both open, and `qemu-img info` and `check` find nothing in either ("No errors were found on the
# image", status 0). The VMDK overlay then fails every read of what lies in the parent, with EINVAL, which a guest sees
# as a broken disk long after its start. One write into the parent through QEMU is enough, even where the overlay covers
# it: the first write after opening gives the parent another CID. The qcow2 overlay reads the other image, and zeros
# where that one has ended.
#
# What follows: that an overlay opens, and passes `check`, says nothing about its image. Who keeps overlays must note
# down himself what they were made over (block/vmdk.c: vmdk_is_cid_valid is asked on reads alone; docs/interop/qcow2.txt
# has no field for it).
#
# Seen on 2026-11-28, Debian 12, x86-64:
#   qemu-img version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: both overlays read their image
#   as described: info and check find nothing in the vmdk overlay of another image
#   as described: info and check find nothing in the qcow2 overlay of another image
#   as described: the vmdk overlay fails to read from it
#   as described: the vmdk overlay reads what it holds itself
#   as described: the qcow2 overlay reads the other image
#   as described: a write into the parent changes its CID
#   as described: then the overlay fails where the parent is as it was
#   as described: check finds nothing in the qcow2 overlay of an image that became shorter
#   as described: it reads zeros behind its end
set -u
pins='
qemu-utils=1:7.2+dfsg-7+deb12u18+b3
libaio1=0.3.113-4
libfuse3-3=3.14.0-4
liburing2=2.3-3
libnuma1=2.0.16-1
'
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 2
# shellcheck disable=SC2086  # a list of words
apt-get download $pins >log 2>&1 || { tail -n 3 log; echo "cannot download the packages"; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root || exit 2; done
LD_LIBRARY_PATH=$T/root/usr/lib/x86_64-linux-gnu:$T/root/lib/x86_64-linux-gnu
PATH=$T/root/usr/bin:$PATH
export LD_LIBRARY_PATH PATH
qemu-img --version >version 2>&1 && qemu-io --version >/dev/null 2>&1 || { cat version; exit 2; }
head -n 1 version

status=0
# seen WHAT COMMAND...: the command must succeed.
seen() {
  what=$1
  shift
  if "$@" >out 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat out; status=1; fi
}
reads() { qemu-io -f "$1" -c "read $2" "child.$1"; }
fails_with_einval() { ! reads vmdk "$1" && grep -q 'read failed: Invalid argument' out; }
both_read() { reads vmdk '-P 0x11 0 64k' && reads qcow2 '-P 0x11 0 64k'; }
finds_nothing() { qemu-img info "child.$1" && qemu-img check -f "$1" "child.$1" && grep -q 'No errors were found' out; }
cid() { strings_of base.vmdk | sed -n 's/^CID=//p' | head -n 1; }
strings_of() { tr -c '[:print:]\n' '\n' <"$1"; }

for name in one other; do
  qemu-img create -q -f vmdk $name.vmdk 4M
  pattern=0x11
  [ $name = one ] || pattern=0x22
  qemu-io -f vmdk -c "write -P $pattern 0 4M" $name.vmdk >/dev/null
done
cp one.vmdk base.vmdk
qemu-img create -q -f vmdk -F vmdk -b base.vmdk child.vmdk
qemu-img create -q -f qcow2 -F vmdk -b base.vmdk child.qcow2
qemu-io -f vmdk -c 'write -P 0x77 1M 64k' child.vmdk >/dev/null
seen "both overlays read their image" both_read

cp other.vmdk base.vmdk
for format in vmdk qcow2; do seen "info and check find nothing in the $format overlay of another image" finds_nothing $format; done
seen "the vmdk overlay fails to read from it" fails_with_einval '0 64k'
seen "the vmdk overlay reads what it holds itself" reads vmdk '-P 0x77 1M 64k'
seen "the qcow2 overlay reads the other image" reads qcow2 '-P 0x22 0 64k'

cp one.vmdk base.vmdk
before=$(cid)
qemu-io -f vmdk -c 'write -P 0x77 1M 64k' base.vmdk >/dev/null
seen "a write into the parent changes its CID" test "$before" != "$(cid)"
seen "then the overlay fails where the parent is as it was" fails_with_einval '0 64k'

qemu-img create -q -f raw base.raw 4M
qemu-img create -q -f qcow2 -F raw -b base.raw short.qcow2
qemu-io -f raw -c 'write -P 0x11 0 4M' base.raw >/dev/null
qemu-img resize -q --shrink -f raw base.raw 1M
cp short.qcow2 child.qcow2
seen "check finds nothing in the qcow2 overlay of an image that became shorter" finds_nothing qcow2
seen "it reads zeros behind its end" reads qcow2 '-P 0 2M 64k'
exit $status
