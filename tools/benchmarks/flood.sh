# tools/bench flood: two ports that talk beside one that floods broadcast to 256.
# shellcheck shell=bash

# bench_flood: unicast frames a second, and the length of breaths, without and with the flood, in turns; the best of each.
bench_flood() {
  local program rounds=5 ports=256
  while (($# > 0)); do
    case $1 in
      --ports) check_number "$1" "${2-}" 1 4096; ports=$2 ;;
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  require_tools swift
  step "flood: building the benchmark"
  program=$(build_forwarding_benchmark)
  step "flood: $ports ports"
  "$program" --flood "$ports" --rounds "$rounds" --format json >"$work/flood"
  keep_flood <"$work/flood"
  show_results flood Mframes/s 'M copies/s' 'us, mean breath' 'us, longest breath'
}
