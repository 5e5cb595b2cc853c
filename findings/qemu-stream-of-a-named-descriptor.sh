#!/bin/sh
# The guess: a socket that QEMU was handed by `getfd` can be named wherever QEMU takes the address of a socket, of type `fd`; and
# what `netdev_add` has answered without an error is there.
#
# What is so (QEMU 7.2): a chardev takes such a name. A `stream` netdev that is to listen on it answers that it is made, says
# nothing more, and never accepts anybody: as its source has it (net/stream.c, socket_get_fd of util/qemu-sockets.c), it opens its
# socket in a thread that has no monitor and so no names, and whose error is told to nobody. By the number of the descriptor
# (`add-fd` tells it) it works.
#
# What follows: give a `stream` netdev's listening socket by number, and hold what `netdev_add` has answered for true only when
# NETDEV_STREAM_CONNECTED has come.
#
# Seen on 2026-11-30, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   as described: a chardev that listens on a socket by its name: made, and connected
#   as described: a stream netdev: made
#   as described: and nobody accepts
#   as described: without a word
#   as described: by the number of the descriptor: made, and connected
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
cat >qemu <<SHELL
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec timeout 120 "$T/root/usr/bin/qemu-system-x86_64" -L "$T/root/usr/share/qemu" \\
  -L "$T/root/usr/share/seabios" -L "$T/root/usr/lib/ipxe/qemu" -nodefaults -display none "\$@"
SHELL
chmod +x qemu
(./qemu --version) >version 2>&1 || { cat version; exit 2; }
head -n 1 version

status=0
seen() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "as described: $what"; else echo "CHANGED: $what"; cat answers machine.log; status=1; fi
}
# listen.py netdev|chardev name|number: a machine that never runs is handed a listening socket, makes a device of it, and
# somebody connects.
cat >listen.py <<'PYTHON'
import json, socket, subprocess, sys, time
device, way = sys.argv[1:]
machine = subprocess.Popen(
    ["./qemu", "-S", "-M", "pc", "-m", "32M", "-qmp", "unix:monitor,server=on,wait=off"], stderr=open("machine.log", "w"))
monitor = socket.socket(socket.AF_UNIX)
while monitor.connect_ex("monitor"):
    if machine.poll() is not None:
        sys.exit("no machine")
    time.sleep(0.1)
lines = monitor.makefile()
lines.readline()
def ask(command, descriptor=None, **arguments):
    text = json.dumps({"execute": command, "arguments": arguments}).encode()
    socket.send_fds(monitor, [text], [] if descriptor is None else [descriptor])
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer
ask("qmp_capabilities")
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(1)
if way == "name":
    ask("getfd", listener.fileno(), fdname="listener")
    text = "listener"
else:
    text = str(ask("add-fd", listener.fileno(), **{"fdset-id": 1})["return"]["fd"])
if device == "netdev":
    answer = ask("netdev_add", type="stream", id="one", server=True, addr={"type": "fd", "str": text})
else:
    address = {"type": "fd", "data": {"str": text}}
    answer = ask("chardev-add", id="one", backend={"type": "socket", "data": {"addr": address, "server": True, "wait": False}})
print("made" if "return" in answer else answer["error"]["desc"], flush=True)
peer = socket.socket(socket.AF_UNIX)
peer.connect("socket")
if device == "netdev":
    monitor.settimeout(3)
    try:
        while json.loads(lines.readline()).get("event") != "NETDEV_STREAM_CONNECTED":
            pass
        print("connected")
    except TimeoutError:
        print("nobody accepts")
else:
    time.sleep(1)
    names = {row["label"]: row["filename"] for row in ask("query-chardev")["return"]}
    print("nobody accepts" if names["one"].startswith("disconnected") else "connected")
monitor.sendall(b'{"execute": "quit"}')
machine.wait()
PYTHON
tried() {
  rm -f monitor socket
  python3 listen.py "$@" >answers 2>&1
}
tried chardev name
seen "a chardev that listens on a socket by its name: made, and connected" sh -c 'grep -qx made answers && grep -qx connected answers'
tried netdev name
seen "a stream netdev: made" grep -qx made answers
seen "and nobody accepts" grep -qx "nobody accepts" answers
seen "without a word" test ! -s machine.log
tried netdev number
seen "by the number of the descriptor: made, and connected" sh -c 'grep -qx made answers && grep -qx connected answers'
exit $status
