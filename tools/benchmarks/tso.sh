# tools/bench tso: large TCP frames between two mock guests, on one thread.
# shellcheck shell=bash

# Buffers that the frames of a ring lie in: so few that they stay in the processor's cache.
readonly tso_buffers=4

# move_bytes CASE ROUND OPTION...: keeps cycles a byte and what a processor would move.
move_bytes() {
  local case=$1 round=$2 status=0
  shift 2
  "$program" "$@" >"$work/tso" 2>"$work/tso.log" || status=$?
  if ((status == 3)); then
    absent tso "$case" apus "$(sed 's/^[^:]*: //' "$work/tso.log")"
    return
  fi
  ((status == 0)) || { cat "$work/tso.log" >&2; die "tso: $case failed"; }
  measured tso "$case" apus cycles/byte less "$(word_after cycles/byte "$work/tso")" "$round"
  measured tso "$case" apus 'Gbit/s a processor' more "$(word_after Gbit/s "$work/tso")" "$round"
  note "$case: $(<"$work/tso")"
}

# word_after WORD FILE
word_after() { awk -v word="$1" '{ for (i = 1; i < NF; i++) if ($i == word) { print $(i + 1); exit } }' "$2"; }

bench_tso() {
  local rounds=5 round
  local -a few=(--burst "$tso_buffers" --distinct "$tso_buffers")
  while (($# > 0)); do
    case $1 in
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  require_tools swift
  step "tso: building the benchmark"
  program=$(build_forwarding_benchmark)
  for ((round = 1; round <= rounds; round++)); do
    move_bytes '65536 B, both take them' "$round" --mode tso --size 65536 --frames 32000 "${few[@]}"
    move_bytes '65536 B, cut for the receiver' "$round" --mode tso-cut --size 65536 --frames 8000 "${few[@]}"
    move_bytes '1500 B, no segmentation' "$round" --size 1500 --frames 320000 "${few[@]}"
  done
  show_results tso cycles/byte 'Gbit/s a processor'
}
