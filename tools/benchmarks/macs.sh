# tools/bench macs and flood: what a frame costs in a switch of many stations, and beside a flood to many ports.
# shellcheck shell=bash

# bench_macs: TSC cycles a frame with 16 to 1,048,576 stations, in turns; what listing and flushing do to them; and the
# same beside 1,022 idle ports.
bench_macs() {
  local program rounds=9 format=table stations=16,1024,65536,1048576
  while (($# > 0)); do
    case $1 in
      --stations) stations=${2?} ;;
      --rounds) rounds=${2?} ;;
      --format) format=${2?} ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  require_tools swift
  step "macs: building the benchmark"
  program=$(build_forwarding_benchmark)
  step "macs: two ports"
  "$program" --macs "$stations" --rounds "$rounds" --format "$format"
  step "macs: two ports beside 1,022 idle ones"
  "$program" --macs 16 --rounds "$rounds" --format "$format" --idle-ports 1022
}
