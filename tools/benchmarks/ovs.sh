# The peer of tools/bench v2v: a private Open vSwitch with DPDK. Its poll thread burns a processor, so it is stopped
# (SIGSTOP) whenever it is not being measured.
# shellcheck shell=bash

ovs_pid=

ovs_database() { ovs-vsctl --db="unix:$work/ovs/db.sock" "$@"; }
ovs_control() { ovs-appctl -t "$work/ovs/ovs-vswitchd-dpdk.$ovs_pid.ctl" "$@"; }

install_ovs() {
  [[ -x /usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk ]] && return
  install_package openvswitch-switch-dpdk
}

start_ovs() {
  install_ovs
  step "starting a private Open vSwitch"
  local memory="--no-huge -m 1024"
  mkdir -p "$work/ovs"
  $huge && memory="--huge-dir $work/huge --single-file-segments"
  export OVS_RUNDIR=$work/ovs
  ovsdb-tool create "$work/ovs/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  later stop_ovs
  ovsdb-server "$work/ovs/conf.db" --remote="punix:$work/ovs/db.sock" --pidfile="$work/ovs/db.pid" --detach \
    --log-file="$work/ovs/db.log" 2>/dev/null
  ovs_database --no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:pmd-cpu-mask=0x1 \
    other_config:dpdk-lcore-mask=0x1 other_config:dpdk-extra="--no-pci --file-prefix apus-bench-ovs-$$ $memory"
  $huge && ovs_database --no-wait set Open_vSwitch . other_config:dpdk-socket-mem=512
  /usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk "unix:$work/ovs/db.sock" --pidfile="$work/ovs/vswitchd.pid" \
    --detach --log-file="$work/ovs/vswitchd.log" >"$work/ovs/start.log" 2>&1 ||
    { cat "$work/ovs/start.log" >&2; die "Open vSwitch did not start"; }
  ovs_pid=$(<"$work/ovs/vswitchd.pid")
  ovs_database add-br br0 -- set bridge br0 datapath_type=netdev
  ovs_database add-port br0 a -- set interface a type=dpdkvhostuser -- \
    add-port br0 b -- set interface b type=dpdkvhostuser
  kill -STOP "$ovs_pid"
}

stop_ovs() {
  local file
  for file in "$work"/ovs/{vswitchd,db}.pid; do
    [[ -f $file ]] || continue
    kill -CONT "$(<"$file")" && kill "$(<"$file")" && timeout 10 tail --pid="$(<"$file")" -f /dev/null
  done 2>/dev/null
  ovs_pid=
}

# measure_ovs SIZE SECONDS: prints "CYCLES_PER_FRAME FRAMES_PER_SECOND" of its poll thread.
measure_ovs() {
  local before after
  kill -CONT "$ovs_pid"
  start_generator "$1" "$work/ovs/a" "$work/ovs/b"
  sleep 1
  ovs_control dpif-netdev/pmd-stats-clear >/dev/null
  before=$(date +%s%N)
  sleep "$2"
  ovs_control dpif-netdev/pmd-stats-show >"$work/ovs/stats"
  after=$(date +%s%N)
  stop_generator
  kill -STOP "$ovs_pid"
  awk -v nanoseconds=$((after - before)) '
    /packets received/ && !frames { frames = $NF }
    /avg processing cycles per packet/ && !cycles { match($0, /: [0-9.]+/); cycles = substr($0, RSTART + 2, RLENGTH - 2) }
    END {
      if (frames <= 0) { print "no frame passed" > "/dev/stderr"; exit 1 }
      printf "%.1f %.0f\n", cycles, frames * 1e9 / nanoseconds }' "$work/ovs/stats"
}
