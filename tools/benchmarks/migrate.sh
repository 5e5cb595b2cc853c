# tools/bench migrate: machines that move, labs that are saved, and a daemon that another one takes over from.
# shellcheck shell=bash

# Of the machine that QEMU moves between two daemons.
readonly moved_mac=02:00:00:00:08:01 moved_address=10.82.0.1

# in_guest_by_hand LINE: in the machine that we started ourselves, by the agent's socket $agent.
in_guest_by_hand() { python3 "$project_root/tools/benchmarks/machine.py" run "$agent" "$1"; }

# host_apus SIDE ARGUMENT...: the program on one of the two hosts.
host_apus() {
  local side=$1
  shift
  APUS_STATE_DIR=$work/$side/state APUS_DATA_DIR=$work/$side/data ip netns exec "bench-$$-$side" "$apus" "$@"
}

# make_hosts: two namespaces with a wire between them, a station behind the left one, and a lab on each.
make_hosts() {
  local side
  for side in left right station; do
    ip netns add "bench-$$-$side"
    later "ip netns delete 'bench-$$-$side'"
  done
  ip link add wire0 netns "bench-$$-left" type veth peer name wire0 netns "bench-$$-right"
  ip link add lan0 netns "bench-$$-left" type veth peer name eth0 netns "bench-$$-station"
  ip -n "bench-$$-station" address add 10.82.0.9/24 dev eth0
  ip -n "bench-$$-station" link set eth0 up
  for side in left right; do
    mkdir -p "$work/$side"
    host_lab "$side" >"$work/$side/lab.yaml"
    later "host_apus $side down bench-$side >'$work/$side/down.log' 2>&1 || cat '$work/$side/down.log' >&2"
    host_apus "$side" up "$work/$side/lab.yaml" >"$work/$side/up.log" 2>&1 ||
      { cat "$work/$side/up.log" >&2; die "the lab of host $side did not come up"; }
  done
}

# host_lab SIDE
host_lab() {
  cat <<LAB
version: 1
name: bench-$1
switches: { sw1: {} }
nodes:
  vm: { kind: external, nics: { eth0: { switch: sw1, socket: $work/$1/vm.sock } } }
  wire: { kind: nic, nics: { wire0: { switch: sw1 } } }
LAB
  [[ $1 == right ]] || echo '  lan: { kind: nic, nics: { lan0: { switch: sw1 } } }'
}

# make_guest: the built-in guest with a driver for its disk, and the disk.
make_guest() {
  local guest=$project_root/.build/release/guest extra=$work/extra
  mkdir -p "$extra/lib/modules"
  { sed 's/#.*//;/^[[:space:]]*$/d' "$project_root/tools/guest/modules.txt"; echo virtio_blk; } >"$extra/lib/modules/order"
  cp "$guest/nested/virtio_blk.ko" "$extra/lib/modules/"
  # What comes later in an initramfs takes the place of what came before.
  { cat "$guest/initramfs.gz"; (cd "$extra" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1; } >"$work/initramfs"
  head -c 64M /dev/urandom >"$work/disk"
}

# start_machine SIDE ARGUMENT...: QEMU on a host; its process is $machine.
start_machine() {
  local side=$1
  shift
  rm -f "$work/$side"/{qmp,agent}
  ip netns exec "bench-$$-$side" qemu-system-x86_64 -nodefaults -no-user-config -display none -accel tcg -m 256M \
    -object memory-backend-memfd,id=m,size=256M,share=on -machine q35,memory-backend=m \
    -kernel "$project_root/.build/release/guest/vmlinuz" -initrd "$work/initramfs" \
    -append "console=ttyS0 cryptomgr.notests nokaslr mitigations=off no_timer_check tsc=reliable apus.name=vm apus.nic=eth0,$moved_mac,$moved_address/24" \
    -serial "file:$work/$side/console" -device virtio-serial-pci \
    -chardev "socket,id=agent,path=$work/$side/agent,server=on,wait=off" \
    -device virtserialport,chardev=agent,name=apus.exec -qmp "unix:$work/$side/qmp,server=on,wait=off" \
    -drive "file=$work/disk,format=raw,if=none,id=d" -device virtio-blk-pci,drive=d,vectors=0 \
    -chardev "socket,id=c,path=$work/$side/vm.sock,reconnect=1" -netdev vhost-user,id=n,chardev=c \
    -device "virtio-net-pci,netdev=n,mac=$moved_mac,vectors=0,romfile=" "$@" >"$work/$side/qemu.log" 2>&1 </dev/null &
  machine=$!
  later "end_process $machine"
}

# start_pinging NAMESPACE ADDRESS: a ping each millisecond, with the time of each answer, into $work/pings.
start_pinging() {
  ip netns exec "$1" ping -D -i 0.001 "$2" >"$work/pings" 2>&1 </dev/null &
  pinging=$!
}

# stop_pinging: ends them.
stop_pinging() {
  kill -INT "$pinging"
  wait "$pinging" || true
}

# pings_lost FROM TO: of the pings that were answered between two times, or would have been: how many had no answer, how
# many had two, and the longest time between two answers in milliseconds.
pings_lost() {
  awk -v from="$1" -v to="$2" '
    /icmp_seq=/ {
      time = substr($1, 2) + 0
      number = $0
      sub(/.*icmp_seq=/, "", number)
      number += 0
      # ping counts to 65535.
      while (number + wrapped < last - 32768) wrapped += 65536
      number += wrapped
      if (time < from) { last = number; before = time; next }
      if (time > to) next
      if (/DUP/) { twice++; next }
      if (!first) first = last
      if (number > last) last = number
      answers++
      if (before && time - before > silence) silence = time - before
      before = time
    }
    END { printf "%d %d %.1f\n", last - first - answers, twice, silence * 1000 }' "$work/pings"
}

# pings_beyond FROM TO PAUSE [STOP RESUME]: of the pings that were sent between two times, how many had no answer though the
# machine ran. Without the times at which it stopped and went on, the pause, in milliseconds, counts where most were lost,
# and only there. When one that had no answer was sent follows from those before and behind it.
pings_beyond() {
  awk -v from="$1" -v to="$2" -v pause="$3" -v stop="${4-}" -v resume="${5-}" '
    /icmp_seq=/ && !/DUP/ {
      trip = $0
      if (!sub(/.*time=/, "", trip)) next
      number = $0
      sub(/.*icmp_seq=/, "", number)
      number += 0
      # ping counts to 65535.
      while (number + wrapped < last - 32768) wrapped += 65536
      number += wrapped
      sent[number] = substr($1, 2) - trip / 1000
      if (number > last) last = number
      if (!first || number < first) first = number
    }
    END {
      before = first
      for (number = first + 1; number <= last; number++) {
        if (!(number in sent)) continue
        for (lost = before + 1; lost < number; lost++) {
          time = sent[before] + (lost - before) * (sent[number] - sent[before]) / (number - before)
          if (time >= from + 0 && time <= to + 0) times[++count] = time
        }
        before = number
      }
      begin = 1
      for (n = 1; n <= count; n++) {
        if (stop != "") {
          if (times[n] >= stop + 0 && times[n] <= resume + 0) within++
          continue
        }
        while (times[n] - times[begin] > pause / 1000) begin++
        if (n - begin + 1 > within) within = n - begin + 1
      }
      printf "%d\n", count - within
    }' "$work/pings"
}

# start_stream NAMESPACE ADDRESS: a TCP connection into the guest that lasts until measure_stream, 2 MB/s.
start_stream() {
  "$guest" 'rm -f /tmp/stream*; mkfifo /tmp/stream.in
    (nc -l -p 5000 <>/tmp/stream.in | md5sum >/tmp/stream.sum; : >/tmp/stream.end) >/dev/null 2>&1 &'
  head -c 64K /dev/urandom >"$work/stream.piece"
  rm -f "$work/stream.stop" "$work/stream.sum"
  (while [[ -d $work && ! -e $work/stream.stop ]]; do cat "$work/stream.piece" || break; sleep 0.03; done) 2>/dev/null |
    tee >(md5sum >"$work/stream.sum") |
    ip netns exec "$1" socat -u - "TCP:$2:5000,retry=100,interval=0.2" >"$work/stream.log" 2>&1 &
  streaming=$!
}

# measure_stream CASE: ends it; 0 connections were lost if it came through whole. Not for a subshell, whose child it is not.
measure_stream() {
  local lost=0
  touch "$work/stream.stop"
  wait "$streaming" || lost=1
  wait_for 120 "the sum of the stream" test -s "$work/stream.sum"
  "$guest" "n=0; until [ -e /tmp/stream.end ]; do n=\$((n+1)); [ \$n -lt 1200 ] || exit 1; usleep 100000; done
    [ \"\$(cat /tmp/stream.sum)\" = '$(<"$work/stream.sum")' ]" || lost=1
  ((lost == 0)) || cat "$work/stream.log" >&2
  measured migrate "$1" apus 'TCP connections lost' less "$lost"
}

# keep_in_guest: 64 MB in the guest's memory, and the sums of it and of its disk.
keep_in_guest() {
  "$guest" 'head -c 64000000 /dev/urandom >/tmp/kept; md5sum </tmp/kept >/tmp/kept.sum
    [ ! -b /dev/vda ] || md5sum </dev/vda >/tmp/disk.sum'
}

# check_kept CASE ROUND: dies unless they are what they were.
check_kept() {
  local status=0
  "$guest" 'md5sum </tmp/kept | cmp - /tmp/kept.sum || exit 8
    [ ! -b /dev/vda ] || { echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/vda | cmp - /tmp/disk.sum || exit 9; }' || status=$?
  case $status in
    0) ;;
    8) die "$1, $2: the guest's memory has changed" ;;
    9) die "$1, $2: the guest's disk has changed" ;;
    *) die "$1, $2: the guest could not be asked whether its memory and disk are what they were (status $status)" ;;
  esac
}

# note_move CASE ROUND PAUSE WHOLE FROM TO [STOP RESUME]: the figures of one move.
note_move() {
  local lost twice silence beyond
  read -r lost twice silence < <(pings_lost "$5" "$6")
  beyond=$(pings_beyond "$5" "$6" "$3" "${@:7}")
  measured migrate "$1" apus 'ms, paused by QEMU' less "$3" "$2"
  measured migrate "$1" apus 'ms, the whole move' less "$4" "$2"
  measured migrate "$1" apus 'ms, longest silence' less "$silence" "$2"
  measured migrate "$1" apus 'pings lost of 1,000 a second' less "$lost" "$2"
  measured migrate "$1" apus 'of them lost beyond the pause' less "$beyond" "$2"
  measured migrate "$1" apus 'pings that came twice' less "$twice" "$2"
  note "$1, $2: paused for $3 ms, silent for $silence ms, $lost pings lost, $beyond beyond the pause, $twice twice"
}

# between_hosts ROUNDS: there and back, by QMP, from one daemon to another.
between_hosts() {
  local case='QEMU by hand, from one daemon to another' side=left other=right round from pause whole stop resume
  local machine old
  make_guest
  make_hosts
  start_machine left
  old=$machine
  wait_for 300 "the machine does not answer" ip netns exec "bench-$$-station" ping -c 1 -W 1 "$moved_address" >/dev/null
  guest=in_guest_by_hand agent=$work/left/agent
  keep_in_guest
  start_stream "bench-$$-station" "$moved_address"
  for ((round = 1; round <= $1; round++)); do
    start_machine "$other" -incoming defer
    start_pinging "bench-$$-station" "$moved_address"
    sleep 2
    from=$(date +%s.%N)
    read -r pause whole stop resume < <(python3 "$project_root/tools/benchmarks/machine.py" move "$work/$side/qmp" "$work/$other/qmp" \
      "unix:$work/moving")
    [[ -n $resume ]] || die "the machine has not moved"
    end_process "$old"
    old=$machine
    sleep 2
    stop_pinging
    note_move "$case" "$round" "$pause" "$whole" "$from" "$(date +%s.%N)" "$stop" "$resume"
    read -r side other <<<"$other $side"
    agent=$work/$side/agent
    check_kept "$case" "$round"
  done
  worst_of "$case" 'of them lost beyond the pause'
  measure_stream "$case"
  end_process "$old"
}

# worst_of CASE UNIT: the highest figure of all rounds, as one of its own.
worst_of() {
  measured migrate "$1, the worst" apus "$2" less "$(awk -F '\t' -v name="$1" -v unit="$2" '
    $1 == "migrate" && $2 == name && $4 == unit && $6 + 0 >= worst + 0 { worst = $6 }
    END { print worst + 0 }' "$work/results")"
}

# in_milliseconds FIELD FILE: a field of the JSON that a command ended with, which has seconds.
in_milliseconds() {
  awk -v seconds="$(sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" "$2" | tail -n 1)" 'BEGIN { printf "%.1f\n", seconds * 1000 }'
}

# has_command NAME CASE: whether this version has it; otherwise what it would have measured is absent.
has_command() {
  "$apus" "$1" --help >/dev/null 2>&1 && return
  absent migrate "$2" apus "this version has no apus $1"
  return 1
}

# one_machine_lab: a machine and a station on a switch.
one_machine_lab() {
  cat <<LAB
version: 1
name: bench-move
switches: { sw1: {} }
nodes:
  vm1: { kind: vm, memory: 256M, nics: { eth0: { switch: sw1, address: 10.82.0.1/24 } } }
  station: { kind: netns, nics: { eth0: { switch: sw1, address: 10.82.0.9/24 } } }
LAB
}

# in_machine LINE: in the machine of that lab, or in the one by hand; its output and status.
in_machine() { "$apus" exec --lab bench-move vm1 -- sh -c "$1" </dev/null; }

# make_bootable: $work/vm1.img, a disk that boots the built-in guest with a driver for it and its SSH server, and has 64 MB
# behind its file system. Only a machine without a disk has the agent that `apus exec` speaks to.
make_bootable() {
  local guest=$project_root/.build/release/guest extra=$work/bootable image=$work/vm1.img
  mkdir -p "$extra"/{etc,lib/modules,root/.ssh}
  { sed 's/#.*//;/^[[:space:]]*$/d' "$project_root/tools/guest/modules.txt"; echo virtio_blk; } >"$extra/lib/modules/order"
  cp "$guest/nested/virtio_blk.ko" "$extra/lib/modules/"
  { cat "$project_root/tools/guest/inittab"; echo '::once:/etc/start-ssh'; } >"$extra/etc/inittab"
  ssh-keygen -q -t ed25519 -N '' -f "$work/key" </dev/null
  cp "$work/key.pub" "$extra/root/.ssh/authorized_keys"
  { cat "$guest/initramfs.gz"; (cd "$extra" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1; } >"$work/initrd.gz"
  cat >"$work/syslinux.cfg" <<MENU
DEFAULT a
LABEL a
  KERNEL vmlinuz
  INITRD initrd.gz
  APPEND console=ttyS0 quiet cryptomgr.notests nokaslr mitigations=off no_timer_check tsc=reliable apus.name=vm1 apus.nic=eth0,$moved_mac,10.82.0.1/24
MENU
  truncate -s 24M "$image"
  mkfs.vfat "$image" >/dev/null
  syslinux --install "$image"
  mcopy -i "$image" "$work/syslinux.cfg" ::/syslinux.cfg
  mcopy -i "$image" "$guest/vmlinuz" ::/vmlinuz
  mcopy -i "$image" "$work/initrd.gz" ::/initrd.gz
  head -c 64M /dev/urandom >>"$image"
}

# machine_with_disk_lab: the same with that disk.
machine_with_disk_lab() {
  one_machine_lab |
    sed "s|memory: 256M,|image: vm1.img, memory: 256M,|; s|address: 10.82.0.1/24|mac: \"$moved_mac\", address: 10.82.0.1/24|"
}

# in_machine_with_disk LINE: in that machine; its output and status.
in_machine_with_disk() {
  ip netns exec apus-bench-move-station ssh -n -F none -i "$work/key" -o BatchMode=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o LogLevel=ERROR -o ConnectTimeout=60 root@10.82.0.1 "$1"
}

# is_machine_with_disk_up: whether it answers.
is_machine_with_disk_up() { in_machine_with_disk true 2>/dev/null; }

# here ROUNDS: `apus migrate`, from one QEMU to another of this host.
here() {
  local case='apus migrate, on one host' round from begin whole
  has_command migrate "$case" || return 0
  make_bootable
  bring_up_lab bench-move < <(machine_with_disk_lab)
  wait_for 300 "the machine does not answer" is_machine_with_disk_up
  guest=in_machine_with_disk
  in_machine_with_disk 'test -b /dev/vda' || die "the machine has no disk"
  keep_in_guest
  start_stream apus-bench-move-station 10.82.0.1
  for ((round = 1; round <= $1; round++)); do
    start_pinging apus-bench-move-station 10.82.0.1
    sleep 2
    from=$(date +%s.%N)
    begin=$(date +%s%N)
    "$apus" migrate vm1 --lab bench-move -j >"$work/moved" 2>"$work/moved.log" </dev/null ||
      { cat "$work/moved" "$work/moved.log" >&2; die "the machine has not moved"; }
    whole=$((($(date +%s%N) - begin) / 1000000))
    sleep 2
    stop_pinging
    note_move "$case" "$round" "$(in_milliseconds downtime "$work/moved")" "$whole" "$from" "$(date +%s.%N)"
    check_kept "$case" "$round"
  done
  worst_of "$case" 'of them lost beyond the pause'
  measure_stream "$case"
  "$apus" down bench-move >/dev/null
}

# upgrades ROUNDS: another process takes the daemon's place.
upgrades() {
  local case='apus upgrade' round from carriers lost twice silence
  has_command upgrade "$case" || return 0
  bring_up_lab bench-move < <(one_machine_lab)
  guest=in_machine
  install -m 755 "$apus" "$work/apus-of-another-version"
  start_stream apus-bench-move-station 10.82.0.1
  carriers=$(in_machine 'cat /sys/class/net/eth0/carrier_changes')
  for ((round = 1; round <= $1; round++)); do
    start_pinging apus-bench-move-station 10.82.0.1
    sleep 2
    from=$(date +%s.%N)
    "$apus" upgrade bench-move --to "$work/apus-of-another-version" >"$work/upgraded" 2>&1 </dev/null ||
      { cat "$work/upgraded" >&2; die "the lab was not upgraded"; }
    sleep 1
    stop_pinging
    read -r lost twice silence < <(pings_lost "$from" "$(date +%s.%N)")
    measured migrate "$case" apus 'ms, longest silence' less "$silence" "$round"
    measured migrate "$case" apus 'pings lost of 1,000 a second' less "$lost" "$round"
    measured migrate "$case" apus 'pings that came twice' less "$twice" "$round"
    note "$case, $round: silent for $silence ms, $lost pings lost, $twice twice"
  done
  worst_of "$case" 'ms, longest silence'
  worst_of "$case" 'pings lost of 1,000 a second'
  measure_stream "$case"
  carriers=$(($(in_machine 'cat /sys/class/net/eth0/carrier_changes') - carriers))
  measured migrate "$case" apus "changes of the guest's carrier" less "$carriers"
  "$apus" down bench-move >/dev/null
}

# saves ROUNDS: four machines are saved together, and continued.
saves() {
  local case='apus save of four machines of 128M' round saved pause seconds
  has_command save "$case" || return 0
  bring_up_lab bench-save <<'LAB'
version: 1
name: bench-save
switches: { sw1: {} }
nodes:
  vm1: { kind: vm, memory: 128M, nics: { eth0: { switch: sw1, address: 10.82.1.1/24 } } }
  vm2: { kind: vm, memory: 128M, nics: { eth0: { switch: sw1, address: 10.82.1.2/24 } } }
  vm3: { kind: vm, memory: 128M, nics: { eth0: { switch: sw1, address: 10.82.1.3/24 } } }
  vm4: { kind: vm, memory: 128M, nics: { eth0: { switch: sw1, address: 10.82.1.4/24 } } }
  station: { kind: netns, nics: { eth0: { switch: sw1, address: 10.82.1.9/24 } } }
LAB
  for ((round = 1; round <= $1; round++)); do
    saved=$work/saved.$round
    seconds=$(stopwatch "$apus" save bench-save "$saved" -j)
    cp "$work/stopwatch.log" "$work/saved.log"
    pause=$(in_milliseconds pause_seconds "$work/saved.log")
    measured migrate "$case" apus 'ms, paused' less "$pause" "$round"
    measured migrate "$case" apus s less "$seconds" "$round"
    "$apus" down bench-save >/dev/null
    seconds=$(stopwatch next_ping "$saved")
    measured migrate 'apus up --from, to the next ping' apus s less "$seconds" "$round"
    note "$case, $round: paused for $pause ms; back to the next ping in $seconds s"
    rm -rf "$saved"
  done
  "$apus" down bench-save >/dev/null
}

# next_ping SAVED: continues the lab, and has the station ping until there is an answer.
next_ping() {
  local tries=0
  "$apus" up "$work/bench-save.lab.yaml" --from "$1"
  until ip netns exec apus-bench-save-station ping -c 1 -W 1 10.82.1.4; do ((tries++ < 20)) || return 1; done
}

bench_migrate() {
  local rounds=10 parts=hosts,here,upgrade,save
  while (($# > 0)); do
    case $1 in
      --parts) check_words "$1" "${2-}" hosts here upgrade save; parts=$2 ;;
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  require_tools busybox ip mcopy mkfs.vfat ping python3 qemu-system-x86_64 socat ssh ssh-keygen syslinux
  [[ ,$parts, != *,hosts,* ]] || between_hosts "$rounds"
  [[ ,$parts, != *,here,* ]] || here "$rounds"
  [[ ,$parts, != *,upgrade,* ]] || upgrades "$rounds"
  [[ ,$parts, != *,save,* ]] || saves "$rounds"
  show_results migrate 'pings lost of 1,000 a second' 'of them lost beyond the pause' 'pings that came twice' \
    'TCP connections lost' "changes of the guest's carrier" 'ms, paused by QEMU' 'ms, longest silence' 'ms, the whole move' \
    'ms, paused' s
}
