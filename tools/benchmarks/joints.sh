# What joins two namespaces in `tools/bench tap` and `latency`: Apus and its peers.
#
# join_NAME makes one; its namespaces are then ${near[NAME]} and ${far[NAME]}, and the far one has ${far_address[NAME]}.
# shellcheck shell=bash

declare -A near=() far=() far_address=()
joint_count=0

# new_joint NAME: makes two namespaces, empty, and an address for the far one.
new_joint() {
  local name=$1 end
  for end in a b; do
    ip netns add "apus-bench-$$-$name-$end"
    later "ip netns delete 'apus-bench-$$-$name-$end'"
    ip -n "apus-bench-$$-$name-$end" link set lo up
  done
  near[$name]=apus-bench-$$-$name-a far[$name]=apus-bench-$$-$name-b
  subnet_of "$name"
}

# subnet_of NAME: chooses one; the near end has .1, the far end .2.
subnet_of() {
  ((++joint_count))
  subnet=10.83.$joint_count
  far_address[$1]=$subnet.2
}

# give_tap NAME a|b INTERFACE: moves a TAP to an end, with its address.
give_tap() {
  local namespace=${near[$1]} host=1
  [[ $2 == a ]] || namespace=${far[$1]} host=2
  ip link set "$3" netns "$namespace"
  ip -n "$namespace" address add "$subnet.$host/24" dev "$3"
  ip -n "$namespace" link set "$3" up
}

# joint_lab LAB NAME WORKERS: a lab of two namespaces on a switch.
joint_lab() {
  subnet_of "$2"
  bring_up_lab "$1" <<LAB
version: 1
name: $1
$3
switches: { sw1: {} }
nodes:
  a: { kind: netns, nics: { eth0: { switch: sw1, address: $subnet.1/24 } } }
  b: { kind: netns, nics: { eth0: { switch: sw1, address: $subnet.2/24 } } }
LAB
  near[$2]=apus-$1-a far[$2]=apus-$1-b
}

# As a lab starts if nothing is said.
join_apus() { joint_lab bench-tap apus ''; }

# pinned_workers: a worker that stays on one processor, with a priority.
pinned_workers() { echo "workers: { count: 1, cpus: [$(($(nproc) - 1))], nice: -10 }"; }

# takes_priority: whether this build's lab files know it; why not is in $work/pinned.log.
takes_priority() {
  printf 'version: 1\nname: bench-pinned\n%s\nswitches: { sw1: {} }\n' "$(pinned_workers)" >"$work/pinned.lab.yaml"
  "$apus" validate "$work/pinned.lab.yaml" >"$work/pinned.log" 2>&1
}

join_apus-pinned() { joint_lab bench-pinned apus-pinned "$(pinned_workers)"; }

# The kernel's bridge, in a namespace of its own, with veth.
join_bridge() {
  local end host=1 middle=apus-bench-$$-bridge-x
  new_joint bridge
  ip netns add "$middle"
  later "ip netns delete '$middle'"
  ip -n "$middle" link add br0 type bridge
  ip -n "$middle" link set br0 up
  for end in "${near[bridge]}" "${far[bridge]}"; do
    ip -n "$end" link add eth0 type veth peer name "p$host" netns "$middle"
    ip -n "$middle" link set "p$host" master br0 up
    ip -n "$end" address add "$subnet.$host/24" dev eth0
    ip -n "$end" link set eth0 up
    ((++host))
  done
}

# nic_lab LAB NAME WORKERS LETTER: a lab that takes the near ends of two veths; the namespaces have the others.
nic_lab() {
  local end host=1 letter
  new_joint "$2"
  for end in "${near[$2]}" "${far[$2]}"; do
    letter=$([[ $host == 1 ]] && echo a || echo b)
    ip link add "$4$$$letter" type veth peer name eth0 netns "$end"
    ip -n "$end" address add "$subnet.$host/24" dev eth0
    ip -n "$end" link set eth0 up
    ((++host))
  done
  bring_up_lab "$1" <<LAB
version: 1
name: $1
$3
switches: { sw1: {} }
nodes:
  up: { kind: nic, nics: { $4$$a: { switch: sw1 }, $4$$b: { switch: sw1 } } }
LAB
}

join_nic() { nic_lab bench-nic nic '' bn; }
join_nic-pinned() { nic_lab bench-nicp nic-pinned "$(pinned_workers)" bm; }

# VDE's switch with two TAPs; it knows no offloads.
join_vde() {
  need vde_switch vde2
  new_joint vde
  later 'end_process "$(cat "$work/vde.pid")"'
  # Beside us it would end at the end of its input.
  vde_switch --sock "$work/vde" --tap "bv$$a" --tap "bv$$b" --daemon --pidfile "$work/vde.pid" >"$work/vde.log" 2>&1 </dev/null
  wait_for 10 "vde_switch made no interfaces; see: $(cat "$work/vde.log")" test -e "/sys/class/net/bv$$b"
  give_tap vde a "bv$$a"
  give_tap vde b "bv$$b"
}

# start_forwarder NAME LETTER COMMAND...: a plain TAP forwarder in C, with words in front of its command.
start_forwarder() {
  local name=$1 letter=$2
  shift 2
  [[ -x $work/tap-forwarder ]] ||
    cc -O2 -Wall -o "$work/tap-forwarder" "$project_root/tools/benchmarks/tap-forwarder.c"
  new_joint "$name"
  "$@" "$work/tap-forwarder" "$letter$$a" "$letter$$b" >"$work/$name.log" 2>&1 </dev/null &
  later "end_process $!"
  wait_for 10 "tap-forwarder did not start" grep -q ready "$work/$name.log"
  give_tap "$name" a "$letter$$a"
  give_tap "$name" b "$letter$$b"
}

join_forwarder() { start_forwarder forwarder bf; }
join_forwarder-pinned() {
  start_forwarder forwarder-pinned bp taskset -c "$(($(nproc) - 1))" nice -n -10
}

# join_all WORK NAME...: makes those that can be made and sets `joined` to them; says of others that they are absent.
join_all() {
  local what=$1 name
  joined=()
  shift
  for name in "$@"; do
    if [[ $name == *-pinned && $name != forwarder* ]] && ! takes_priority; then
      absent "$what" "workers: nice" "$name" "this build refuses it: $(sed -n '1s/^[^ ]*: //p' "$work/pinned.log")"
      continue
    fi
    step "$what: setting up $name"
    join_"$name"
    wait_for 20 "$name: the namespaces do not reach each other" reaches "$name"
    joined+=("$name")
  done
}

reaches() { ip netns exec "${near[$1]}" ping -q -c 1 -W 1 "${far_address[$1]}" >/dev/null 2>&1; }
