#!/bin/sh
# The guess: a vhost-user front-end that starts its rings again (after `stop` and `cont`, or a migration that failed) tells the
# back-end of the memory again, so a back-end may let go of it at the stop; SET_STATUS 0 is virtio's reset, at which it should.
#
# What is so (QEMU 7.2): with SET_MEM_TABLE it does tell it again. A back-end that offers CONFIGURE_MEM_SLOTS gets no word of
# memory at all when the rings start again, although SET_STATUS 0 came before: the table that it had is taken as known.
#
# What follows: a back-end keeps its memory table (and ring positions, and dirty log) over SET_STATUS 0, GET_VRING_BASE of
# every ring, and RESET_OWNER, and lets go of it with the connection alone.
#
# Seen on 2026-11-30, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: memory as one table: it is told at first, and again after the stop
#   as described: memory in slots: it is told at first
#   as described: the stop is status 0, and the base of each ring
#   as described: then features, rings and their start
#   as described: and not a word of memory
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
  LD_LIBRARY_PATH=$libraries exec timeout 120 "$T/root/usr/bin/qemu-system-x86_64" -L "$T/root/usr/share/qemu" \
    -L "$T/root/usr/share/seabios" -L "$T/root/usr/lib/ipxe/qemu" -nodefaults -display none "$@"
}
(qemu --version) >version 2>&1 || { cat version; exit 2; }
head -n 1 version

# back-end.py BIT...: a back-end with these protocol features. It moves no frame, and writes down the requests that it gets,
# as what they are for.
cat >back-end.py <<'PYTHON'
import os, select, socket, struct, sys
GET_FEATURES, GET_VRING_BASE, SET_VRING_KICK, GET_PROTOCOL_FEATURES, MAX_MEM_SLOTS, GET_STATUS = 1, 11, 12, 15, 36, 40
NEED_REPLY = 8
names = {2: "features", 5: "memory", 9: "ring", 11: "stop", 12: "start", 37: "memory", 38: "memory"}
answers = {GET_FEATURES: 1 << 30 | 1 << 32, GET_PROTOCOL_FEATURES: sum(1 << int(bit) for bit in sys.argv[1:]),
           GET_VRING_BASE: 0, MAX_MEM_SLOTS: 8, GET_STATUS: 0}
kick = None
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(1)
peer, _ = listener.accept()
while True:
    ready, _, _ = select.select([peer] + [kick] * (kick is not None), [], [])
    if kick in ready:
        os.read(kick, 8)
        print("runs", flush=True)
    if peer in ready:
        head, descriptors, _, _ = socket.recv_fds(peer, 12, 8)
        if len(head) < 12:
            break
        request, flags, size = struct.unpack("<III", head)
        body = peer.recv(size, socket.MSG_WAITALL) if size else b""
        if request == 39:
            answers[GET_STATUS] = struct.unpack_from("<Q", body)[0]
            print("status", answers[GET_STATUS], flush=True)
        if request in names:
            print(names[request], flush=True)
        if request == SET_VRING_KICK and body[0] == 1 and descriptors:
            kick = descriptors[0]
        elif request == GET_VRING_BASE:
            answers[request] = body[0]
            kick = None if body[0] == 1 else kick
        if request in answers or flags & NEED_REPLY:
            peer.sendall(struct.pack("<IIIQ", request, 5, 8, answers.get(request, 0)))
PYTHON
cat >pause.py <<'PYTHON'
import json, socket, time
monitor = socket.socket(socket.AF_UNIX)
monitor.connect("monitor")
lines = monitor.makefile()
lines.readline()
for command in "qmp_capabilities", "stop", "cont":
    monitor.sendall(json.dumps({"execute": command}).encode())
    while "event" in json.loads(lines.readline()):
        pass
    time.sleep(0.5)
PYTHON

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat requests machine.log; status=1; fi
}
# paused BIT...: a machine whose NIC runs is stopped and goes on; `first` has what the back-end was told before, `again`
# what from then on.
paused() {
  rm -f socket monitor
  python3 back-end.py "$@" >requests 2>&1 &
  until [ -S socket ]; do sleep 0.05; done
  qemu -m 64M -object memory-backend-memfd,id=m,size=64M,share=on -M pc,memory-backend=m -qmp unix:monitor,server=on,wait=off \
    -chardev socket,id=c,path=socket -netdev vhost-user,id=n,chardev=c \
    -device virtio-net-pci,netdev=n,vectors=0,mac=02:00:00:00:00:01 >machine.log 2>&1 &
  machine=$!
  while kill -0 $machine 2>/dev/null && ! grep -q runs requests; do sleep 0.2; done
  before=$(grep -c . requests)
  python3 pause.py
  kill $machine
  wait
  head -n "$before" requests >first
  # From the stop to the next one, which is the machine's end.
  tail -n "+$((before + 1))" requests | awk '/^stop/ && started { exit } /^start/ { started = 1 } { print }' >again
}
# 3: REPLY_ACK, 15: CONFIGURE_MEM_SLOTS, 16: STATUS
paused 3 16
seen "memory as one table: it is told at first, and again after the stop" sh -c 'grep -q memory first && grep -q memory again'
paused 3 15 16
seen "memory in slots: it is told at first" grep -q memory first
seen "the stop is status 0, and the base of each ring" sh -c 'grep -qx "status 0" again && grep -q stop again'
seen "then features, rings and their start" sh -c 'grep -q features again && grep -q ring again && grep -q start again'
seen "and not a word of memory" sh -c '! grep -q memory again'
exit $status
