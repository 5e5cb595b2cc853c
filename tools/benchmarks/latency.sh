# tools/bench latency: the round trip of one frame at a time, between two guests, and of a ping between two namespaces.
# shellcheck shell=bash

# keep_percentiles CASE WHO ROUND < NAME VALUE PAIRS: nanoseconds by name; those below are kept, in microseconds.
keep_percentiles() {
  local text name value
  text=$(cat)
  for name in p50 p90 p99 p99.9; do
    value=$(awk -v name="$name" '{ for (i = 1; i < NF; i++) if ($i == name) printf "%.2f", $(i + 1) / 1000 }' <<<"$text")
    measured latency "$1" "$2" "us, $name" less "$value" "$3"
  done
  note "$1, $2: $text (ns)"
}

# round_trips WHO SIZE COUNT ROUND
round_trips() {
  local sockets status=0
  wake_"$1"
  sockets=$(sockets_"$1")
  taskset -c "$generator_cpu" "$program" --round-trips "${sockets// /,}" --size "$2" --frames "$3" \
    >"$work/round-trips" 2>"$work/round-trips.log" || status=$?
  rest_"$1"
  ((status == 0)) || { cat "$work/round-trips.log" >&2; die "$1: no round trips"; }
  keep_percentiles "one frame of $2 B, guest to guest and back" "$1" "$4" <"$work/round-trips"
}

# pings NAME COUNT ROUND
pings() {
  ip netns exec "${near[$1]}" ping -n -c "$2" -i 0.002 "${far_address[$1]}" >"$work/pings" 2>&1 ||
    { tail -n 3 "$work/pings" >&2; die "$1: ping failed"; }
  sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' "$work/pings" | sort -n | awk '
    { value[NR] = $1 * 1e6 }
    function at(share,   i) { i = int(NR * share) + 1; return sprintf("%.0f", value[i > NR ? NR : i]) }
    END { if (NR == 0) exit 1
      print "p50", at(0.5), "p90", at(0.9), "p99", at(0.99), "p99.9", at(0.999) }' >"$work/percentiles"
  keep_percentiles 'ping, namespace to namespace' "$1" "$3" <"$work/percentiles"
}

bench_latency() {
  local rounds=3 count=20000 ping_count=1000 sizes=64,1500 round size who
  local -a frames=(apus) names=(apus apus-pinned)
  while (($# > 0)); do
    case $1 in
      --peers) frames+=(ovs testpmd); names+=(bridge vde forwarder); shift; continue ;;
    esac
    case $1 in
      --frames) check_numbers "$1" "${2-}" 60 9000; sizes=$2 ;;
      --count) check_number "$1" "${2-}" 100 10000000; count=$2 ;;
      --pings) check_number "$1" "${2-}" 10 1000000; ping_count=$2 ;;
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  need_two_processors
  "$project_root/tools/setup" --quiet --tests
  require_tools cc dpdk-testpmd ip ping swift taskset
  step "latency: building the benchmark"
  program=$(build_forwarding_benchmark)
  take_hugepages latency
  for who in "${frames[@]}"; do start_"$who" 1; done
  for ((round = 1; round <= rounds; round++)); do
    for size in ${sizes//,/ }; do
      for who in "${frames[@]}"; do round_trips "$who" "$size" "$count" "$round"; done
    done
  done
  join_all latency "${names[@]}"
  for ((round = 1; round <= rounds; round++)); do
    for who in "${joined[@]}"; do pings "$who" "$ping_count" "$round"; done
  done
  show_results latency 'us, p50' 'us, p99'
}
