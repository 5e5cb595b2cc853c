#!/bin/sh
# The guess: a source whose migration QEMU calls "completed" has handed its machine over, and may be ended.
#
# What is so (QEMU 7.2): without the capability `return-path`, "completed" means that the last byte was written to the
# socket. A target that cannot take the device's state, as its vhost-user back-end lacks a feature that the guest has
# acknowledged, ends with status 1 after that: the source says "completed", stands still ("postmigrate"), and nobody has
# the machine. With `return-path` on both sides the same source says "failed", and the machine runs on by itself.
#
# What follows: whoever moves machines sets `return-path` on both sides, always, and ends the source when the target
# (not the source) has said "completed". A machine that was lost in this way is still in its source: `cont` wakes it.
#
# Seen on 2026-11-30, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: the target cannot take the device's state
#   as described: it ends with 1
#   as described: and its source says completed, and stands still
#   as described: where cont wakes it
#   as described: with return-path the target ends with 1 as well
#   as described: but the source says failed, and runs
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

# back-end.py SOCKET FEATURE...: a back-end that takes all that it is told and moves no frame. It says "runs" when the
# driver (iPXE, which asks for an address) has kicked its transmit ring, and stays until QEMU goes.
cat >back-end.py <<'PYTHON'
import os, select, socket, struct, sys
GET_FEATURES, SET_LOG_BASE, GET_VRING_BASE, SET_VRING_KICK, GET_PROTOCOL_FEATURES = 1, 6, 11, 12, 15
NEED_REPLY = 8
LOG_SHMFD, REPLY_ACK = 1 << 1, 1 << 3
answers = {GET_FEATURES: sum(1 << int(bit) for bit in sys.argv[2:]), GET_PROTOCOL_FEATURES: LOG_SHMFD | REPLY_ACK,
           SET_LOG_BASE: 0, GET_VRING_BASE: 0}
kick = None
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
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
        if request == SET_VRING_KICK and body[0] == 1 and descriptors:
            kick = descriptors[0]
        if request == GET_VRING_BASE:
            answers[request] = body[0]
            kick = None if body[0] == 1 else kick
        if request in answers or flags & NEED_REPLY:
            peer.sendall(struct.pack("<IIIQ", request, 5, 8, answers.get(request, 0)))
PYTHON

# move.py return-path|defaults: has the source move its machine to the target; what the source says in the end.
cat >move.py <<'PYTHON'
import json, socket, sys, time

class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile()
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "event" not in answer:
                return answer["return"]

source, target = Monitor("source"), Monitor("target")
if sys.argv[1] == "return-path":
    for monitor in source, target:
        monitor.ask("migrate-set-capabilities", capabilities=[{"capability": "return-path", "state": True}])
target.ask("migrate-incoming", uri="unix:moving")
source.ask("migrate", uri="unix:moving")
while source.ask("query-migrate").get("status") not in ("completed", "failed"):
    time.sleep(0.1)
# What the target has to say takes a moment.
time.sleep(2)
print(source.ask("query-migrate")["status"], source.ask("query-status")["status"])
if sys.argv[1] == "defaults":
    source.ask("cont")
    print("after cont:", source.ask("query-status")["status"])
PYTHON

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat said log.*; status=1; fi
}
# machine NAME ARGUMENT...: a machine without a disk, so that iPXE asks the network for an address.
machine() {
  name=$1
  shift
  qemu -m 64M -object memory-backend-memfd,id=m,size=64M,share=on -M pc,memory-backend=m -qmp "unix:$name,server=on,wait=off" \
    -chardev "socket,id=c,path=$name.port" -netdev vhost-user,id=n,chardev=c \
    -device virtio-net-pci,netdev=n,vectors=0,mac=02:00:00:00:00:01 "$@" >"log.$name" 2>&1 &
}
# moved CAPABILITIES: a machine is moved to a target whose back-end lacks VERSION_1 (32), which iPXE has acknowledged.
moved() {
  rm -f source* target* moving said
  python3 back-end.py source.port 26 30 32 >running 2>&1 &
  python3 back-end.py target.port 26 30 >running.target 2>&1 &
  until [ -S source.port ] && [ -S target.port ]; do sleep 0.05; done
  machine source
  source=$!
  machine target -incoming defer
  target=$!
  while kill -0 $source 2>/dev/null && ! grep -q runs running; do sleep 0.2; done
  python3 move.py "$1" >said 2>&1
  # It would run until its time is over if it took the machine.
  (sleep 5; kill $target) 2>/dev/null &
  wait $target
  echo "the target ended with $?" >>said
  kill $source
  wait
}
moved defaults
seen "the target cannot take the device's state" grep -q 'load of migration failed' log.target
seen "it ends with 1" grep -q 'the target ended with 1$' said
seen "and its source says completed, and stands still" grep -qx 'completed postmigrate' said
seen "where cont wakes it" grep -qx 'after cont: running' said
moved return-path
seen "with return-path the target ends with 1 as well" grep -q 'the target ended with 1$' said
seen "but the source says failed, and runs" grep -qx 'failed running' said
exit $status
