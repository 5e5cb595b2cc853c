#!/bin/sh
# The guess: a guest's memory in a file without `share=on` is QEMU's own, so QEMU refuses it for vhost-user, or at least
# gives the back-end none of it, and somebody says a word.
#
# What is so (QEMU 7.2): the file is handed over as if it were shared (it has a descriptor, and that is all QEMU looks
# at), the rings are started, and kicks come. The guest writes into private pages of that file, so the back-end finds
# every ring empty for ever. Neither side sees an error. With `share=on` the same back-end sees the guest's buffers.
#
# What follows: whoever writes a back-end cannot tell it from an idle guest by the messages; kicks of rings that stay
# empty are the sign. Whoever starts QEMU says `share=on`; `memory-backend-memfd` has it by itself.
#
# Seen on 2026-11-29, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: shared memory: one region, kicks, and buffers in the ring
#   as described: private memory: one region and kicks as well
#   as described: but the ring is empty
#   as described: and QEMU says nothing of it
set -u
pins='
qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3
qemu-system-common=1:7.2+dfsg-7+deb12u18+b3
qemu-system-data=1:7.2+dfsg-7+deb12u18
ipxe-qemu=1.0.0+git-20190125.36a4c85-5.1
seabios=1.16.2-1
libaio1=0.3.113-4
libcapstone4=4.0.2-5
libdaxctl1=76.1-1
libfdt1=1.6.1-4+b1
libfuse3-3=3.14.0-4
libibverbs1=44.0-2
libndctl6=76.1-1
libnl-3-200=3.7.0-0.2+b1
libnl-route-3-200=3.7.0-0.2+b1
libnuma1=2.0.16-1
libpixman-1-0=0.42.2-1
libpmem1=1.12.1-2
libpng16-16=1.6.39-2+deb12u6
libjpeg62-turbo=1:2.1.5-2
librdmacm1=44.0-2
libsasl2-2=2.1.28+dfsg-10
libslirp0=4.7.0-1
liburing2=2.3-3
libvdeplug2=4.0.1-4
'
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 2
command -v python3 >/dev/null || { echo "no python3 on this host"; exit 2; }
# shellcheck disable=SC2086  # a list of words
apt-get download $pins >log 2>&1 || { tail -n 3 log; echo "cannot download the packages"; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root || exit 2; done
libraries=$T/root/usr/lib/x86_64-linux-gnu:$T/root/lib/x86_64-linux-gnu
qemu() {
  LD_LIBRARY_PATH=$libraries exec timeout 90 "$T/root/usr/bin/qemu-system-x86_64" -L "$T/root/usr/share/qemu" \
    -L "$T/root/usr/share/seabios" -L "$T/root/usr/lib/ipxe/qemu" -nodefaults -display none "$@"
}
(qemu --version) >version 2>&1 || { cat version; exit 2; }
head -n 1 version

# A back-end that takes memory and rings and looks at them, no more: how often the driver (iPXE, which asks for an
# address) kicked its transmit ring, and how many buffers stand there. It stays until QEMU goes.
cat >back-end.py <<'PYTHON'
import mmap, os, select, socket, struct, time
GET_FEATURES, SET_MEM_TABLE, SET_VRING_ADDR, GET_VRING_BASE, SET_VRING_KICK, GET_PROTOCOL_FEATURES = 1, 5, 9, 11, 12, 15
NEED_REPLY = 8
answers = {GET_FEATURES: 1 << 30 | 1 << 32, GET_PROTOCOL_FEATURES: 1 << 3}
transmit = 1
regions, available, kick, kicks = [], None, None, 0

def found():
    for user, size, memory, offset in regions:
        if available is not None and user <= available < user + size:
            return struct.unpack_from("<H", memory, offset + available - user + 2)[0]

listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(1)
peer, _ = listener.accept()
said, end = False, time.time() + 80
while time.time() < end:
    ready, _, _ = select.select([peer] + [kick] * (kick is not None), [], [], 1)
    if kick in ready:
        os.read(kick, 8)
        kicks += 1
    if peer in ready:
        head, descriptors, _, _ = socket.recv_fds(peer, 12, 8)
        if len(head) < 12:
            break
        request, flags, size = struct.unpack("<III", head)
        body = peer.recv(size, socket.MSG_WAITALL) if size else b""
        if request == SET_MEM_TABLE:
            for index, descriptor in enumerate(descriptors):
                _, length, user, offset = struct.unpack_from("<QQQQ", body, 8 + 32 * index)
                regions.append((user, length, mmap.mmap(descriptor, offset + length), offset))
        elif request == SET_VRING_ADDR and body[0] == transmit:
            available = struct.unpack_from("<QQQQQ", body)[3]
        elif request == SET_VRING_KICK and body[0] == transmit and descriptors:
            kick = descriptors[0]
        elif request == GET_VRING_BASE:
            answers[request] = body[0]
        if request in answers or flags & NEED_REPLY:
            peer.sendall(struct.pack("<IIIQ", request, 5, 8, answers.get(request, 0)))
    if kicks >= 2 and not said:
        said = True
        print("regions", len(regions), "kicked", kicks >= 2, "available", found() > 0, flush=True)
PYTHON

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat "said.$share"; status=1; fi
}
# boot SHARE: a machine without a disk, so that iPXE asks the network for an address; what the back-end and QEMU say.
boot() {
  share=$1
  rm -f socket memory
  python3 back-end.py >"said.$share" 2>&1 &
  back_end=$!
  until [ -S socket ]; do sleep 0.05; done
  qemu -m 64M -object "memory-backend-file,id=m,size=64M,mem-path=memory,share=$share" -M pc,memory-backend=m \
    -chardev socket,id=c,path=socket -netdev vhost-user,id=n,chardev=c -device virtio-net-pci,netdev=n >"log.$share" 2>&1 &
  machine=$!
  while kill -0 $back_end 2>/dev/null && ! [ -s "said.$share" ]; do sleep 0.2; done
  cp "log.$share" "running.$share"
  kill $machine
  wait
}
boot on
seen "shared memory: one region, kicks, and buffers in the ring" grep -qx 'regions 1 kicked True available True' said.on
boot off
seen "private memory: one region and kicks as well" grep -q '^regions 1 kicked True' said.off
seen "but the ring is empty" grep -q 'available False$' said.off
seen "and QEMU says nothing of it" test ! -s running.off
exit $status
