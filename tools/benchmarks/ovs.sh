# Open vSwitch with DPDK as a peer of tools/bench: a private one. Its poll thread burns a processor, so it is stopped
# (SIGSTOP) whenever it is not being measured.
# shellcheck shell=bash

ovs_pid=
readonly ovs_bridge=bo$$ ovs_program=/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk

ovs_database() { ovs-vsctl --db="unix:$work/ovs/db.sock" "$@"; }
ovs_control() { ovs-appctl -t "$work/ovs/ovs-vswitchd-dpdk.$ovs_pid.ctl" "$@"; }

# start_ovs QUEUES: a bridge with the NORMAL action and two vhost-user ports; these follow the front-end's queues.
start_ovs() {
  [[ -x $ovs_program ]] || install_package openvswitch-switch-dpdk
  step "starting a private Open vSwitch"
  local memory="--no-huge -m 1024"
  mkdir -p "$work/ovs"
  $huge && memory="--huge-dir $work/huge --single-file-segments"
  export OVS_RUNDIR=$work/ovs
  ovsdb-tool create "$work/ovs/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  # The interfaces of its bridges stay when it ends.
  [[ -e /sys/class/net/ovs-netdev ]] || later 'ip link delete ovs-netdev 2>/dev/null'
  later "ip link delete '$ovs_bridge' 2>/dev/null"
  later stop_ovs
  ovsdb-server "$work/ovs/conf.db" --remote="punix:$work/ovs/db.sock" --pidfile="$work/ovs/db.pid" --detach \
    --log-file="$work/ovs/db.log" 2>/dev/null
  ovs_database --no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:pmd-cpu-mask=0x1 \
    other_config:dpdk-lcore-mask=0x1 other_config:dpdk-extra="--no-pci --file-prefix apus-bench-ovs-$$ $memory"
  $huge && ovs_database --no-wait set Open_vSwitch . other_config:dpdk-socket-mem=512
  "$ovs_program" "unix:$work/ovs/db.sock" --pidfile="$work/ovs/vswitchd.pid" \
    --detach --log-file="$work/ovs/vswitchd.log" >"$work/ovs/start.log" 2>&1 ||
    { cat "$work/ovs/start.log" >&2; die "Open vSwitch did not start"; }
  ovs_pid=$(<"$work/ovs/vswitchd.pid")
  ovs_database add-br "$ovs_bridge" -- set bridge "$ovs_bridge" datapath_type=netdev
  ovs_database add-port "$ovs_bridge" a -- set interface a type=dpdkvhostuser -- \
    add-port "$ovs_bridge" b -- set interface b type=dpdkvhostuser
  rest_ovs
}

stop_ovs() {
  local file
  for file in "$work"/ovs/{vswitchd,db}.pid; do
    [[ ! -f $file ]] || end_process "$(<"$file")"
  done
  ovs_pid=
}

sockets_ovs() { echo "$work/ovs/a $work/ovs/b"; }
wake_ovs() { kill -CONT "$ovs_pid"; }
rest_ovs() { kill -STOP "$ovs_pid"; }

begin_ovs() {
  ovs_control dpif-netdev/pmd-stats-clear >/dev/null
  date +%s%N >"$work/ovs/begin"
}

end_ovs() {
  local end
  ovs_control dpif-netdev/pmd-stats-show >"$work/ovs/stats"
  end=$(date +%s%N)
  awk -v nanoseconds=$((end - $(<"$work/ovs/begin"))) '
    /packets received/ && !frames { frames = $NF }
    /avg processing cycles per packet/ && !cycles { match($0, /: [0-9.]+/); cycles = substr($0, RSTART + 2, RLENGTH - 2) }
    END { printf "%.0f %.0f %.0f\n", cycles * frames, frames, nanoseconds }' "$work/ovs/stats"
}

rings_ovs() { rings_in_log "$work/ovs/vswitchd.log"; }
