# tools/bench v2v: frames from one vhost-user port to another and back, driven by dpdk-testpmd.
# shellcheck shell=bash

readonly worker_cpu=0 generator_cpu=1
generator_pid=

# take_hugepages: sets `huge` to true and mounts them if the machine gives at least 1024, free; else says so.
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
    note "hugepages: only $free of 1024; measuring without"
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

# start_generator SIZE SOCKET SOCKET: two virtio-user ports of one testpmd, 256 frames on their way between them.
start_generator() {
  local size=$1 device=mrg_rxbuf=1,in_order=1,packed_vq=0,queue_size=256 tries=0
  rm -f "$work/generator.in"
  mkfifo "$work/generator.in"
  # shellcheck disable=SC2046  # several words are meant
  dpdk-testpmd --lcores "2@$generator_cpu,3@$generator_cpu" -m 512 $(memory_options) --file-prefix "apus-bench-$$" --no-pci \
    --vdev "net_virtio_user0,path=$2,mac=02:00:00:00:00:01,$device" \
    --vdev "net_virtio_user1,path=$3,mac=02:00:00:00:00:02,$device" \
    -- -i --forward-mode=mac --eth-peer=0,02:00:00:00:00:02 --eth-peer=1,02:00:00:00:00:01 --txpkts="$size" \
    --total-num-mbufs=4096 --txd=256 --rxd=256 <"$work/generator.in" >"$work/generator.log" 2>&1 &
  generator_pid=$!
  exec 7>"$work/generator.in"
  until grep -q '^testpmd> ' "$work/generator.log"; do
    kill -0 "$generator_pid" 2>/dev/null && ((tries++ < 300)) ||
      { cat "$work/generator.log" >&2; die "dpdk-testpmd did not start"; }
    sleep 0.1
  done
  echo "start tx_first 4" >&7
}

stop_generator() {
  [[ -n $generator_pid ]] || return 0
  printf 'stop\nquit\n' >&7 2>/dev/null || true
  exec 7>&-
  # A generator that does not obey within ten seconds is ended.
  timeout 10 tail --pid="$generator_pid" -f /dev/null || kill -9 "$generator_pid"
  wait "$generator_pid" 2>/dev/null || true
  generator_pid=
}

# cache_line: cycles of a round trip between the two processors, or - if they are too busy to tell.
cache_line() { timeout 20 "$work/cache-line" "$worker_cpu" "$generator_cpu" || echo -; }

# apus_counters: "NANOSECONDS BUSY_CYCLES FRAMES" of the worker up to now.
apus_counters() {
  local stats
  stats=$("$apus" stats --lab bench-v2v -o json)
  printf '%s %s %s\n' "$(date +%s%N)" "$(json_number busy_cycles <<<"$stats")" "$(json_number frames <<<"$stats")"
}

# json_number KEY: the first number with that key.
json_number() { tr -d ' \n' | grep -o "\"$1\":[0-9]*" | sed -n 1p | cut -d : -f 2; }

start_apus() {
  bring_up_lab bench-v2v <<'LAB'
version: 1
name: bench-v2v
workers: { count: 1, cpus: [0], poll: adaptive }
switches: { sw1: {} }
nodes:
  a: { kind: external, nics: { eth0: { switch: sw1 } } }
  b: { kind: external, nics: { eth0: { switch: sw1 } } }
LAB
}

# measure_apus SIZE SECONDS: prints "CYCLES_PER_FRAME FRAMES_PER_SECOND".
measure_apus() {
  local before after folder=$APUS_STATE_DIR/bench-v2v
  start_generator "$1" "$folder/a.eth0.sock" "$folder/b.eth0.sock"
  sleep 1
  before=$(apus_counters)
  sleep "$2"
  after=$(apus_counters)
  stop_generator
  awk -v before="$before" -v after="$after" 'BEGIN {
    split(before, b); split(after, a); frames = a[3] - b[3]
    if (frames <= 0) { print "no frame passed" > "/dev/stderr"; exit 1 }
    printf "%.1f %.0f\n", (a[2] - b[2]) / frames, frames * 1e9 / (a[1] - b[1]) }'
}

# record SWITCH SIZE PROBE CYCLES RATE: keeps one measurement and shows it.
record() {
  note "$(printf '%-5s %5s B: %7s cycles/frame, %6.2f Mframes/s, cache line %s cycles' "$1" "$2" "$4" \
    "$(awk -v r="$5" 'BEGIN { print r / 1e6 }')" "$3")"
  echo "$*" >>"$work/results"
}

# print_table: per size and switch the best of all rounds, the worst beside it, and how much better we are.
print_table() {
  awk '
    { key = $2 " " $1; if (!($2 in known)) { known[$2] = 1; sizes[++count] = $2 }
      if (!(key in best) || $4 < best[key]) { best[key] = $4; rate[key] = $5; probe[key] = $3 }
      if ($4 > worst[key]) worst[key] = $4 }
    END {
      printf "%6s  %-6s %13s %10s %12s %12s %8s\n", "bytes", "switch", "cycles/frame", "(worst)", "Mframes/s", "cache line", "ratio"
      for (i = 1; i <= count; i++) {
        apus = sizes[i] " apus"; ovs = sizes[i] " ovs"
        row(sizes[i], "apus", apus, ""); if (ovs in best) row(sizes[i], "ovs", ovs, sprintf("%.2fx", best[ovs] / best[apus]))
      }
    }
    function row(size, name, key, ratio) {
      printf "%6s  %-6s %13.1f %10.1f %12.2f %12s %8s\n", size, name, best[key], worst[key], rate[key] / 1e6, probe[key], ratio }
  ' "$work/results"
}

bench_v2v() {
  local peer=none sizes=64,256,1500 rounds=3 seconds=3 size round probe figures
  while (($# > 0)); do
    (($# > 1)) || usage_error "$1 needs a value"
    case $1 in
      --peer) peer=$2 ;;
      --frames) sizes=$2 ;;
      --rounds) rounds=$2 ;;
      --seconds) seconds=$2 ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  [[ $peer == none || $peer == ovs ]] || usage_error "unknown peer $peer; known: ovs"
  (($(nproc) >= 2)) || die "two processors are needed, one for the worker and one for the generator"
  "$project_root/tools/setup" --quiet --tests
  require_tools cc dpdk-testpmd sysctl tail timeout
  cc -O2 -pthread -o "$work/cache-line" "$project_root/tools/benchmarks/cache-line.c"
  take_hugepages
  later stop_generator
  step "v2v: frames of $sizes bytes, best of $rounds rounds of $seconds s"
  [[ $peer == none ]] || start_ovs
  start_apus
  for size in ${sizes//,/ }; do
    for ((round = 1; round <= rounds; round++)); do
      probe=$(cache_line)
      figures=$(measure_apus "$size" "$seconds") || die "apus passed nothing; see $work/generator.log"
      # shellcheck disable=SC2086  # two words
      record apus "$size" "$probe" $figures
      [[ $peer == ovs ]] || continue
      probe=$(cache_line)
      figures=$(measure_ovs "$size" "$seconds") || die "Open vSwitch passed nothing"
      # shellcheck disable=SC2086
      record ovs "$size" "$probe" $figures
    done
  done
  print_table
}
