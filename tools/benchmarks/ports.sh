# tools/bench ports: many ports at one data plane.
# shellcheck shell=bash

readonly many_ports=1024

# add_ports ROUND: how long it takes to add many ports, to list and to remove them, and their memory.
add_ports() {
  local name unit case="$many_ports ports, nobody connected"
  "$program" --add-ports "$many_ports" >"$work/ports"
  note "$(<"$work/ports")"
  for name in added listed removed; do
    measured ports "$case" apus "ms, $name" less "$(sed "s/.*$name in \([0-9.]*\) ms.*/\1/" "$work/ports")" "$1"
  done
  measured ports "$case" apus 'KiB a port' less \
    "$(awk -v ports="$many_ports" '{ gsub(/,/, ""); for (i = 1; i < NF; i++) {
        if ($(i + 2) == "before" && $i ~ /^[0-9]+$/) before = $i
        if ($(i + 2) == "after" && $i ~ /^[0-9]+$/) after = $i } }
      END { printf "%.2f", (after - before) / ports }' "$work/ports")" "$1"
  measured ports "$case" apus 'bytes an end of a patch' less \
    "$(sed 's/.* after, \([0-9]*\) bytes an end.*/\1/' "$work/ports")" "$1"
}

bench_ports() {
  local rounds=5 round count program
  while (($# > 0)); do
    case $1 in
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  require_tools swift
  step "ports: building the benchmark"
  program=$(build_forwarding_benchmark)
  for ((round = 1; round <= rounds; round++)); do
    step "ports: round $round"
    add_ports "$round"
    for count in 2 16 64 256 1024; do
      "$program" --size 64 --frames 320000 --idle-ports $((count - 2)) >"$work/idle-ports"
      measured ports "$count ports" apus 'cycles/frame while two of them talk' less "$(word_after best "$work/idle-ports")" "$round"
    done
  done
  show_results ports 'ms, added' 'ms, listed' 'ms, removed' 'KiB a port' 'bytes an end of a patch' \
    'cycles/frame while two of them talk'
}
