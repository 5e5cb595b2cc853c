#!/bin/sh
# The guess: QEMU's auto-converge slows down a guest that writes memory faster than it is copied. A guest that writes nothing
# is not slowed down.
#
# What is so (QEMU 7.2): what a vhost-user back-end marks in the dirty log counts as the guest's, and throttling the guest's
# processors does nothing against it. A guest that waits for a key gets less and less of its time while the back-end alone
# writes, and the migration ends no sooner.
#
# What follows: under a flood of received frames auto-converge harms twice; limit the port's rate, or raise `downtime-limit` and
# `max-bandwidth`. `dirty-pages-rate` of query-migrate is not what the guest wrote either.
#
# Seen on 2026-11-30, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: an idle guest whose back-end marks nothing has moved without a throttle
#   as described: the same guest is throttled for what its back-end marks, to no effect
#     (highest throttle 50 dirty pages a second 1013)
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

# A back-end that moves no frame. It writes 4 MiB of the guest's memory, from 16 MiB on, and if it was started with `marks`
# it marks these pages 20 times a second while it has a dirty log.
cat >back-end.py <<'PYTHON'
import mmap, os, select, socket, struct, sys
GET_FEATURES, SET_MEM_TABLE, SET_LOG_BASE, GET_VRING_BASE, SET_VRING_KICK, GET_PROTOCOL_FEATURES = 1, 5, 6, 11, 12, 15
NEED_REPLY = 8
LOG_SHMFD, REPLY_ACK, LOG_ALL = 1 << 1, 1 << 3, 1 << 26
answers = {GET_FEATURES: LOG_ALL | 1 << 30 | 1 << 32, GET_PROTOCOL_FEATURES: LOG_SHMFD | REPLY_ACK,
           SET_LOG_BASE: 0, GET_VRING_BASE: 0}
first, pages = (16 << 20) // 4096, 1024
log, kick = None, None
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(1)
peer, _ = listener.accept()
while True:
    ready, _, _ = select.select([peer] + [kick] * (kick is not None), [], [], 0.05)
    if kick in ready:
        os.read(kick, 8)
        print("runs", flush=True)
    if log is not None and sys.argv[1] == "marks":
        log[first // 8:(first + pages) // 8] = b"\xff" * (pages // 8)
    if peer in ready:
        head, descriptors, _, _ = socket.recv_fds(peer, 12, 8)
        if len(head) < 12:
            break
        request, flags, size = struct.unpack("<III", head)
        body = peer.recv(size, socket.MSG_WAITALL) if size else b""
        if request == SET_MEM_TABLE:
            for index, descriptor in enumerate(descriptors):
                start, length, _, offset = struct.unpack_from("<QQQQ", body, 8 + 32 * index)
                if start <= first * 4096 < start + length:
                    memory = mmap.mmap(descriptor, offset + length)
                    memory.seek(offset + first * 4096 - start)
                    memory.write(os.urandom(pages * 4096))
        elif request == SET_LOG_BASE:
            length, offset = struct.unpack_from("<QQ", body)
            log = mmap.mmap(descriptors[0], offset + length)
        elif request == SET_VRING_KICK and body[0] == 1 and descriptors:
            kick = descriptors[0]
        elif request == GET_VRING_BASE:
            answers[request] = body[0]
            kick = None if body[0] == 1 else kick
        if request in answers or flags & NEED_REPLY:
            peer.sendall(struct.pack("<IIIQ", request, 5, 8, answers.get(request, 0)))
PYTHON

# move.py: ten seconds of a migration with auto-converge to somebody who reads all; what it says of them.
cat >move.py <<'PYTHON'
import json, socket, time
monitor = socket.socket(socket.AF_UNIX)
monitor.connect("monitor")
lines = monitor.makefile()
lines.readline()

def ask(command, **arguments):
    monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer["return"]

ask("qmp_capabilities")
ask("migrate-set-capabilities", capabilities=[{"capability": "auto-converge", "state": True}])
# Less than what is marked, so that it goes on.
ask("migrate-set-parameters", **{"max-bandwidth": 4 << 20, "downtime-limit": 1})
ask("migrate", uri="exec:cat >/dev/null")
throttle = 0
for _ in range(100):
    answer = ask("query-migrate")
    throttle = max(throttle, answer.get("cpu-throttle-percentage", 0))
    if answer["status"] not in ("setup", "active"):
        break
    time.sleep(0.1)
print(answer["status"], "throttled" if throttle > 0 else "not throttled")
print("highest throttle", throttle, "dirty pages a second", answer["ram"]["dirty-pages-rate"])
PYTHON

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat said machine.log; status=1; fi
}
# idle BACK-END: a machine that does nothing (its disks are none, its NIC asks for an address) under a migration.
idle() {
  rm -f socket monitor
  python3 back-end.py "$1" >running 2>&1 &
  until [ -S socket ]; do sleep 0.05; done
  qemu -m 64M -object memory-backend-memfd,id=m,size=64M,share=on -M pc,memory-backend=m -qmp unix:monitor,server=on,wait=off \
    -chardev socket,id=c,path=socket -netdev vhost-user,id=n,chardev=c \
    -device virtio-net-pci,netdev=n,vectors=0,mac=02:00:00:00:00:01 >machine.log 2>&1 &
  machine=$!
  while kill -0 $machine 2>/dev/null && ! grep -q runs running; do sleep 0.2; done
  python3 move.py >said 2>&1
  kill $machine
  wait
}
idle quiet
seen "an idle guest whose back-end marks nothing has moved without a throttle" grep -qx 'completed not throttled' said
idle marks
seen "the same guest is throttled for what its back-end marks, to no effect" grep -qx 'active throttled' said
sed -n 's/^highest/  (highest/p' said | sed 's/$/)/'
exit $status
