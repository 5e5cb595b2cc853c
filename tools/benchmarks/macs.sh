# tools/bench macs: what a frame costs in a switch of many stations.
# shellcheck shell=bash

# bench_macs: TSC cycles a frame with 16 to 1,048,576 stations, in turns; what listing and flushing do to them; and the
# same beside 1,022 idle ports.
bench_macs() {
  local program rounds=9 stations=16,1024,65536,1048576
  while (($# > 0)); do
    case $1 in
      --stations) check_numbers "$1" "${2-}" 4 1048576; stations=$2 ;;
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  require_tools swift
  step "macs: building the benchmark"
  program=$(build_forwarding_benchmark)
  step "macs: two ports"
  "$program" --macs "$stations" --rounds "$rounds" --format json >"$work/macs"
  step "macs: two ports beside 1,022 idle ones"
  "$program" --macs 16 --rounds "$rounds" --format json --idle-ports 1022 >>"$work/macs"
  keep_macs <"$work/macs"
  show_results macs cycles/frame 'cycles/frame, median' 'cycles to learn a station' 'us, longest breath'
}
