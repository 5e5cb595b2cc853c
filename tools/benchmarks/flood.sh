# tools/bench flood: two ports that talk beside one that floods broadcast to 256.
# shellcheck shell=bash

# bench_flood: unicast frames a second, and the length of breaths, without and with the flood, in turns; the best of each.
bench_flood() {
  local program rounds=5 format=table ports=256
  while (($# > 0)); do
    case $1 in
      --ports) ports=${2?} ;;
      --rounds) rounds=${2?} ;;
      --format) format=${2?} ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  require_tools swift
  step "flood: building the benchmark"
  program=$(build_forwarding_benchmark)
  step "flood: $ports ports"
  "$program" --flood "$ports" --rounds "$rounds" --format "$format"
}
