# DPDK's own reference as a peer of tools/bench: dpdk-testpmd that passes all frames between two net_vhost ports (`io`). It
# is no switch: it looks at nothing. Its forwarding thread burns a processor, so it is stopped whenever it is not measured.
# shellcheck shell=bash

testpmd_pid=

# start_testpmd QUEUES
start_testpmd() {
  local -a several=()
  (($1 == 1)) || several=(--rxq "$1" --txq "$1")
  step "starting dpdk-testpmd over net_vhost"
  mkdir -p "$work/testpmd"
  mkfifo "$work/testpmd/in"
  later stop_testpmd
  # shellcheck disable=SC2046  # several words are meant
  # By lines, since its figures are read while it runs.
  stdbuf -oL dpdk-testpmd --lcores "0@$worker_cpu,1@$worker_cpu" -m 512 $(memory_options) --no-pci --file-prefix "apus-bench-io-$$" \
    --log-level lib.vhost.config:info --vdev "net_vhost0,iface=$work/testpmd/a,queues=$1" \
    --vdev "net_vhost1,iface=$work/testpmd/b,queues=$1" \
    -- -i --forward-mode=io --total-num-mbufs=16384 "${several[@]}" <"$work/testpmd/in" >"$work/testpmd/log" 2>&1 &
  testpmd_pid=$!
  exec 8>"$work/testpmd/in"
  wait_for_prompt "$testpmd_pid" "$work/testpmd/log"
  echo start >&8
  sleep 0.5
  rest_testpmd
}

stop_testpmd() {
  end_process "$testpmd_pid"
  exec 8>&-
  testpmd_pid=
}

sockets_testpmd() { echo "$work/testpmd/a $work/testpmd/b"; }
wake_testpmd() { kill -CONT "$testpmd_pid"; }
rest_testpmd() { kill -STOP "$testpmd_pid"; }

# testpmd_frames: frames that it has passed so far, and when that was.
testpmd_frames() {
  local before tries=0
  before=$(grep -c '+++ Accumulated forward' "$work/testpmd/log" || true)
  echo 'show fwd stats all' >&8
  until (($(grep -c '+++ Accumulated forward' "$work/testpmd/log" || true) > before)); do
    ((tries++ < 100)) || die "dpdk-testpmd says nothing"
    sleep 0.02
  done
  sleep 0.05
  printf '%s %s\n' "$(sed -n '/+++ Accumulated forward/,$ s/.*RX-packets: *\([0-9]*\).*/\1/p' "$work/testpmd/log" | tail -n 1)" \
    "$(date +%s%N)"
}

begin_testpmd() { testpmd_frames >"$work/testpmd/before"; }

# Of its cycles it tells only how many it burned.
end_testpmd() {
  { cat "$work/testpmd/before"; testpmd_frames; } |
    awk 'NR == 1 { f = $1; t = $2 } END { printf "- %.0f %.0f\n", $1 - f, $2 - t }'
}

rings_testpmd() { rings_in_log "$work/testpmd/log"; }

# rings_in_log LOG: split or packed, as DPDK's vhost library logged it last: bit 34 is VIRTIO_F_RING_PACKED.
rings_in_log() {
  local features
  features=$(sed -n 's/.*negotiated Virtio features: \(0x[0-9a-f]*\).*/\1/p' "$1" | tail -n 1)
  [[ -n $features ]] || return 0
  if (((features >> 34) & 1)); then echo packed; else echo split; fi
}
