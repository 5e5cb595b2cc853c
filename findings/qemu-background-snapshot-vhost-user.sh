#!/bin/sh
# The guess: QEMU's background snapshot write-protects the guest's memory at one instant, so what it saves is the memory of
# that instant; where a vhost-user back-end writes into that memory, QEMU either refuses, or has the back-end stand still.
#
# What is so (QEMU 7.2, Linux 5.19 and later): it is accepted, and only QEMU's own view of the memory is protected. The
# back-end has a mapping of its own, and what it writes after the instant is in the file, beside a guest that has yet to
# receive it: rings and buffers of a later time than the driver's counters. Neither side sees an error.
#
# What follows: no background snapshot of a machine with vhost-user devices; `stop`, `migrate` to a file and `cont` is
# what saves one instant (the rings are stopped by `stop`).
#
# Seen on 2026-11-30, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: a background snapshot is accepted
#   as described: the machine runs while it is saved
#   as described: and after it, which completes
#   as described: the file has none of the back-end's 1000 pages as they were at the instant
#   as described: but all of them as they were written later
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
  LD_LIBRARY_PATH=$libraries exec timeout 120 "$T/root/usr/bin/qemu-system-x86_64" -L "$T/root/usr/share/qemu" \
    -L "$T/root/usr/share/seabios" -L "$T/root/usr/lib/ipxe/qemu" -nodefaults -display none "$@"
}
(qemu --version) >version 2>&1 || { cat version; exit 2; }
head -n 1 version

# A back-end that writes 1000 pages of the guest's memory (from 16 MiB on, which nobody uses) when the rings start, and
# again when a file `again` is there; it moves no frame. Its mark of each time is the page's content.
cat >back-end.py <<'PYTHON'
import mmap, os, select, socket, struct
GET_FEATURES, SET_MEM_TABLE, SET_LOG_BASE, GET_VRING_BASE, SET_VRING_KICK, GET_PROTOCOL_FEATURES = 1, 5, 6, 11, 12, 15
NEED_REPLY = 8
LOG_SHMFD, REPLY_ACK, LOG_ALL = 1 << 1, 1 << 3, 1 << 26
answers = {GET_FEATURES: LOG_ALL | 1 << 30 | 1 << 32, GET_PROTOCOL_FEATURES: LOG_SHMFD | REPLY_ACK,
           SET_LOG_BASE: 0, GET_VRING_BASE: 0}
regions, kick, written = [], None, 0

def write(mark):
    for page in range(1000):
        address = (16 << 20) + page * 4096
        for start, size, memory, offset in regions:
            if start <= address < start + size:
                memory.seek(offset + address - start)
                memory.write(b"%s-%06d " % (mark, page) * 240)
    print("wrote", mark.decode(), flush=True)

listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(1)
peer, _ = listener.accept()
while True:
    ready, _, _ = select.select([peer] + [kick] * (kick is not None), [], [], 0.01)
    if kick in ready:
        os.read(kick, 8)
        if written == 0:
            write(b"before")
            written = 1
    if written == 1 and os.path.exists("again"):
        write(b"after-")
        written = 2
    if peer in ready:
        head, descriptors, _, _ = socket.recv_fds(peer, 12, 8)
        if len(head) < 12:
            break
        request, flags, size = struct.unpack("<III", head)
        body = peer.recv(size, socket.MSG_WAITALL) if size else b""
        if request == SET_MEM_TABLE:
            regions = []
            for index, descriptor in enumerate(descriptors):
                start, length, _, offset = struct.unpack_from("<QQQQ", body, 8 + 32 * index)
                regions.append((start, length, mmap.mmap(descriptor, offset + length), offset))
        elif request == SET_VRING_KICK and body[0] == 1 and descriptors:
            kick = descriptors[0]
        elif request == GET_VRING_BASE:
            answers[request] = body[0]
            kick = None if body[0] == 1 else kick
            print("stopped", flush=True)
        if request in answers or flags & NEED_REPLY:
            peer.sendall(struct.pack("<IIIQ", request, 5, 8, answers.get(request, 0)))
PYTHON

# save.py: a background snapshot into `saved`, slow enough that the back-end writes again before its pages are saved. Then
# how often the instant's content of a page is in the file, and how often a later one.
cat >save.py <<'PYTHON'
import json, re, socket, time
monitor = socket.socket(socket.AF_UNIX)
monitor.connect("monitor")
lines = monitor.makefile()
lines.readline()

def ask(command, **arguments):
    monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer.get("return", answer)

ask("qmp_capabilities")
answer = ask("migrate-set-capabilities", capabilities=[{"capability": "background-snapshot", "state": True}])
print("capability:", answer)
ask("migrate-set-parameters", **{"max-bandwidth": 256 << 10})
print("migrate:", ask("migrate", uri="exec:cat >saved"))
begun = time.time()
while ask("query-migrate")["status"] == "setup" or ask("query-status")["status"] != "running":
    if time.time() > begun + 20:
        break
    time.sleep(0.005)
print("while it saves:", ask("query-migrate")["status"], ask("query-status")["status"], flush=True)
open("again", "w").close()
time.sleep(1)
ask("migrate-set-parameters", **{"max-bandwidth": 1 << 30})
while ask("query-migrate")["status"] not in ("completed", "failed"):
    time.sleep(0.05)
print("in the end:", ask("query-migrate")["status"], ask("query-status")["status"])
found = set(re.findall(rb"(before|after-)-(\d{6}) ", open("saved", "rb").read()))
print("pages of the instant:", sum(1 for mark, _ in found if mark == b"before"))
print("pages of later:", sum(1 for mark, _ in found if mark == b"after-"))
PYTHON

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat said back-end.log machine.log; status=1; fi
}
python3 back-end.py >back-end.log 2>&1 &
until [ -S socket ]; do sleep 0.05; done
qemu -m 64M -object memory-backend-memfd,id=m,size=64M,share=on -M pc,memory-backend=m -qmp unix:monitor,server=on,wait=off \
  -chardev socket,id=c,path=socket -netdev vhost-user,id=n,chardev=c \
  -device virtio-net-pci,netdev=n,vectors=0,mac=02:00:00:00:00:01 >machine.log 2>&1 &
machine=$!
while kill -0 $machine 2>/dev/null && ! grep -q 'wrote before' back-end.log; do sleep 0.2; done
python3 save.py >said 2>&1
cp machine.log running.log
kill $machine
wait
if grep -q 'capability:.*error' said; then
  grep 'capability:' said
  echo "this kernel or user may not write-protect memory (userfaultfd)"
  exit 2
fi
seen "a background snapshot is accepted" grep -qx 'migrate: {}' said
seen "the machine runs while it is saved" grep -qx 'while it saves: active running' said
seen "and after it, which completes" grep -qx 'in the end: completed running' said
seen "the file has none of the back-end's 1000 pages as they were at the instant" grep -qx 'pages of the instant: 0' said
seen "but all of them as they were written later" grep -qx 'pages of later: 1000' said
seen "and QEMU says nothing of it" test ! -s running.log
exit $status
