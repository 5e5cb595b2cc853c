#!/bin/sh
# The guess: QMP's or HMP's `set_link NAME off` takes a guest's carrier with every card that QEMU emulates; where a guest
# keeps it, the guest's driver does not look.
#
# What is so (QEMU 7.2, Linux 6.1): with e1000e the driver looks when it is interrupted, and with MSI-X, which it uses as a
# rule, the interrupt of the link's change never comes: the carrier stays, and frames vanish. With a legacy interrupt
# (the module's option `IntMode=0`) the same guest sees its link go, as one with an e1000 does.
#
# What follows: whoever pulls cables of guests (a switch, a test of failover, a bond in the guest) tells those with an
# e1000e to load the driver with IntMode=0, or takes another card; that frames stop proves nothing about the carrier.
#
# Seen on 2026-11-29, Debian 12, x86-64:
#   QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
#   vmlinuz-6.1.0-57-amd64
#   as described: an e1000 sees its link go (carrier 0 of e1000 by IO-APIC)
#   as described: an e1000e does not, with MSI-X (carrier 1 of e1000e by PCI-MSI)
#   as described: with a legacy interrupt it does (carrier 0 of e1000e by IO-APIC)
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
busybox-static=1:1.35.0-4+deb12u1+b1
linux-image-6.1.0-57-amd64=6.1.192-3
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
basename root/boot/vmlinuz-*

# A guest that sets eth0 up and says its carrier, and its kinds of interrupts, twice a second.
mkdir -p guest/bin guest/proc guest/sys guest/dev
cp root/bin/busybox guest/bin/ 2>/dev/null || cp root/usr/bin/busybox guest/bin/
for module in e1000 e1000e; do cp "$(find root/lib/modules root/usr/lib/modules -name $module.ko 2>/dev/null | head -n 1)" guest/; done
cat >guest/init <<'INIT'
#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
read -r words </proc/cmdline
for word in $words; do case $word in card=*) card=${word#card=} ;; mode=*) mode=${word#mode=} ;; esac; done
busybox insmod /$card.ko ${mode:+IntMode=$mode}
busybox ip link set eth0 up
while true; do
  read -r carrier 2>/dev/null </sys/class/net/eth0/carrier
  echo "carrier $carrier of $card by $(busybox grep -m 1 eth0 /proc/interrupts | busybox tr -s ' ' | busybox cut -d ' ' -f 4)"
  busybox sleep 0.5
done
INIT
chmod 755 guest/init
ln -s busybox guest/bin/sh
(cd guest && find . | ../root/bin/busybox cpio -o -H newc 2>/dev/null || find . | ../root/usr/bin/busybox cpio -o -H newc) >initramfs 2>/dev/null
cat >set-link.py <<'PYTHON'
import socket, time
monitor = socket.socket(socket.AF_UNIX)
monitor.connect("monitor")
monitor.recv(1000)
monitor.sendall(b"set_link nic off\n")
time.sleep(0.5)
monitor.recv(1000)
PYTHON

status=0
# pulled CARD MODE: boots, takes the link away, and waits 12 s for the guest to say so; its last word.
pulled() {
  rm -f monitor console
  qemu -m 192M -kernel root/boot/vmlinuz-* -initrd initramfs -append "console=ttyS0 quiet card=$1 mode=$2" \
    -serial file:console -monitor unix:monitor,server=on,wait=off -netdev user,id=net \
    -device "$1,netdev=net,id=nic,romfile=" >machine.log 2>&1 &
  machine=$!
  while kill -0 $machine 2>/dev/null && ! grep -q 'carrier 1' console 2>/dev/null; do sleep 0.5; done
  python3 set-link.py
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    sleep 1
    grep -q 'carrier 0' console && break
  done
  sleep 1
  kill $machine
  wait
  # The last one may have been cut short.
  tail -n 2 console | head -n 1 | tr -d '\r'
}
seen() {
  what=$1 wanted=$2 word=$3
  case $word in
    $wanted) echo "as described: $what ($word)" ;;
    *) echo "CHANGED: $what ($word)"; status=1 ;;
  esac
}
seen "an e1000 sees its link go" 'carrier 0 of e1000 by *' "$(pulled e1000 '')"
seen "an e1000e does not, with MSI-X" 'carrier 1 of e1000e by *PCI-MSI*' "$(pulled e1000e '')"
seen "with a legacy interrupt it does" 'carrier 0 of e1000e by *IO-APIC*' "$(pulled e1000e 0)"
exit $status
