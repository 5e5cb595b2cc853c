# tools/bench nic: TCP between two namespaces by interfaces of the host.
# shellcheck shell=bash

bench_nic() {
  local rounds=3 seconds=3 streams=1,4 directions=out,back round count direction name kind
  kind="TCP $(congestion_here)"
  while (($# > 0)); do
    case $1 in
      --streams) check_numbers "$1" "${2-}" 1 128; streams=$2 ;;
      --directions) check_words "$1" "${2-}" out back; directions=$2 ;;
      *) take_common "$@" || usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  require_tools ip ping timeout
  need iperf3 iperf3
  stream_work=nic
  step "nic: TCP with $streams streams, $rounds rounds of $seconds s"
  join_all nic nic nic-pinned bridge
  for name in "${joined[@]}"; do serve "$name"; done
  sleep 0.5
  for ((round = 1; round <= rounds; round++)); do
    for count in ${streams//,/ }; do
      for direction in ${directions//,/ }; do
        for name in "${joined[@]}"; do stream_data "$name" "$kind" "$count" "$direction" "$seconds" "$round"; done
      done
    done
  done
  show_results nic Gbit/s
}
