#!/bin/sh
# The guess: a QEMU that may open no files of its own gets its disk as a set of descriptors (`-add-fd`, `file=/dev/fdset/1`),
# one for reading and writing and one for reading, and does with it all that it does with a path: a layer over the disk
# (`blockdev-snapshot-sync`), and the layer merged back (`block-commit`).
#
# What is so (QEMU 7.2): the layer can be laid; merging it fails with `Failed to get "write" lock`, although nobody else has the
# disk. A path is opened anew when the disk becomes read-only beneath the layer, and the former file with its locks is closed. What
# is in a set stays open, with the locks that were taken on it. And the layer's header names `/dev/fdset/1` as what is beneath it.
#
# What follows: hand a disk over as `/proc/self/fd/N` of a descriptor that QEMU inherits: each opening has locks of its own (and
# asks for permission by the file's mode, not by its folders'). Sets are for what is only read.
#
# Seen on 2026-11-30, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: a disk by its path: the layer is laid and merged
#   as described: a disk by a set of descriptors: the layer is laid
#   as described: merging it fails: Failed to get "write" lock
#   as described: the layer names /dev/fdset/1 as what is beneath it
#   as described: a disk by /proc/self/fd: the layer is laid and merged
set -u
pins='
qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3
qemu-utils=1:7.2+dfsg-7+deb12u18+b3
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
cat >qemu <<SHELL
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec timeout 120 "$T/root/usr/bin/qemu-system-x86_64" -L "$T/root/usr/share/qemu" \\
  -L "$T/root/usr/share/seabios" -L "$T/root/usr/lib/ipxe/qemu" -nodefaults -display none "\$@"
SHELL
chmod +x qemu
img() { LD_LIBRARY_PATH=$libraries "$T/root/usr/bin/qemu-img" "$@"; }
(./qemu --version) >version 2>&1 || { cat version; exit 2; }
head -n 1 version

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat answers machine.log; status=1; fi
}
# layer.py FILE DESCRIPTOR...: a machine that never runs has FILE as its disk; a layer is laid over it, and merged back.
cat >layer.py <<'PYTHON'
import json, os, socket, subprocess, sys, time
file, words = sys.argv[1], sys.argv[2:]
descriptors = [os.open("disk.qcow2", mode) for mode in (os.O_RDWR, os.O_RDONLY)]
words = [word.replace("READ", str(descriptors[1])).replace("WRITE", str(descriptors[0])) for word in [file] + words]
machine = subprocess.Popen(
    ["./qemu", "-S", "-M", "pc", "-m", "32M", "-qmp", "unix:monitor,server=on,wait=off", *words[1:], "-drive",
     "file=%s,format=qcow2,if=none,id=disk" % words[0], "-device", "virtio-blk-pci,drive=disk"],
    pass_fds=descriptors, stderr=open("machine.log", "w"))
monitor = socket.socket(socket.AF_UNIX)
while monitor.connect_ex("monitor"):
    if machine.poll() is not None:
        sys.exit("no machine")
    time.sleep(0.1)
lines = monitor.makefile()
lines.readline()
def ask(command, **arguments):
    monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer
def say(what, answer):
    print(what, "done" if "return" in answer else answer["error"]["desc"], flush=True)
ask("qmp_capabilities")
say("lay:", ask("blockdev-snapshot-sync", **{"device": "disk", "snapshot-file": os.path.abspath("layer.qcow2"), "format": "qcow2"}))
say("merge:", ask("block-commit", **{"device": "disk", "job-id": "job"}))
ask("quit")
machine.wait()
PYTHON
tried() {
  rm -f monitor disk.qcow2 layer.qcow2
  img create -q -f qcow2 disk.qcow2 16M || exit 2
  python3 layer.py "$@" >answers 2>&1
}
tried "$T/disk.qcow2"
seen "a disk by its path: the layer is laid and merged" sh -c 'grep -qx "lay: done" answers && grep -qx "merge: done" answers'
tried /dev/fdset/1 -add-fd fd=WRITE,set=1 -add-fd fd=READ,set=1
seen "a disk by a set of descriptors: the layer is laid" grep -qx "lay: done" answers
seen 'merging it fails: Failed to get "write" lock' grep -q 'merge: Failed to get "write" lock' answers
img info -U --output=json layer.qcow2 >answers 2>&1
seen "the layer names /dev/fdset/1 as what is beneath it" grep -q '"backing-filename": "/dev/fdset/1"' answers
tried /proc/self/fd/WRITE
seen "a disk by /proc/self/fd: the layer is laid and merged" sh -c 'grep -qx "lay: done" answers && grep -qx "merge: done" answers'
exit $status
