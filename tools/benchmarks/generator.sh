# The generator of tools/bench v2v: one dpdk-testpmd whose two virtio-user ports send all frames back and forth.
# shellcheck shell=bash

readonly worker_cpu=0 generator_cpu=1
generator_pid=

# What the virtio-user devices are asked to negotiate.
generator_packed=0 generator_in_order=1 generator_mergeable=1 generator_queues=1

# take_hugepages WORK: sets `huge` to true and mounts them if the machine gives at least 1024, free; else says so.
take_hugepages() {
  local before free
  huge=false
  before=$(</proc/sys/vm/nr_hugepages)
  if ((before < 1024)); then
    later "sysctl -q -w vm.nr_hugepages=$before"
    sysctl -q -w vm.nr_hugepages=1024 || true
  fi
  free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
  if ((free < 1024)); then
    absent "$1" hugepages all "this machine gives $free of 1024; measured without"
    return
  fi
  mkdir -p "$work/huge"
  mount -t hugetlbfs hugetlbfs "$work/huge"
  later "umount '$work/huge'"
  huge=true
}

# memory_options: how DPDK shall take its memory.
memory_options() {
  if $huge; then echo "--huge-dir $work/huge --single-file-segments"; else echo "--no-huge"; fi
}

# start_generator SIZE SOCKET SOCKET: two virtio-user ports, 256 frames on their way between them.
start_generator() {
  local size=$1 device queues=$generator_queues
  local -a several=()
  device="mrg_rxbuf=$generator_mergeable,in_order=$generator_in_order,packed_vq=$generator_packed,queue_size=256,queues=$queues"
  # Several flows, so that a switch which goes by them has something for each queue.
  ((queues == 1)) || several=(--rxq "$queues" --txq "$queues" --txonly-multi-flow)
  rm -f "$work/generator.in"
  mkfifo "$work/generator.in"
  # shellcheck disable=SC2046  # several words are meant
  dpdk-testpmd --lcores "2@$generator_cpu,3@$generator_cpu" -m 512 $(memory_options) --file-prefix "apus-bench-$$" --no-pci \
    --vdev "net_virtio_user0,path=$2,mac=02:00:00:00:00:01,$device" \
    --vdev "net_virtio_user1,path=$3,mac=02:00:00:00:00:02,$device" \
    -- -i --forward-mode=mac --eth-peer=0,02:00:00:00:00:02 --eth-peer=1,02:00:00:00:00:01 --txpkts="$size" \
    --total-num-mbufs=$((4096 * queues)) --txd=256 --rxd=256 "${several[@]}" \
    <"$work/generator.in" >"$work/generator.log" 2>&1 &
  generator_pid=$!
  exec 7>"$work/generator.in"
  wait_for_prompt "$generator_pid" "$work/generator.log"
  echo "start tx_first 4" >&7
}

# wait_for_prompt PID LOG: until a dpdk-testpmd takes commands.
wait_for_prompt() {
  local tries=0
  until grep -q '^testpmd> ' "$2"; do
    kill -0 "$1" 2>/dev/null && ((tries++ < 300)) || { cat "$2" >&2; die "dpdk-testpmd did not start"; }
    sleep 0.1
  done
}

stop_generator() {
  [[ -n $generator_pid ]] || return 0
  # It may be gone already.
  (trap '' PIPE && printf 'stop\nquit\n' >&7) 2>/dev/null || true
  exec 7>&-
  # One that does not obey within ten seconds is ended.
  timeout 10 tail --pid="$generator_pid" -f /dev/null || kill -9 "$generator_pid"
  wait "$generator_pid" 2>/dev/null || true
  generator_pid=
}

# cache_line: cycles of a round trip between the two processors, or - if they are too busy to tell.
cache_line() {
  [[ -x $work/cache-line ]] || cc -O2 -pthread -o "$work/cache-line" "$project_root/tools/benchmarks/cache-line.c"
  timeout 20 "$work/cache-line" "$worker_cpu" "$generator_cpu" || echo -
}
