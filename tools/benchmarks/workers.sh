# tools/bench workers: independent pairs of guests, moved by one worker and by several.
# shellcheck shell=bash

bench_workers() {
  local rounds=5 seconds=3 pairs=2 round program size=64 driven
  while (($# > 0)); do
    case $1 in
      --pairs) check_number "$1" "${2-}" 1 32; pairs=$2 ;;
      --frames) check_number "$1" "${2-}" 60 1500; size=$2 ;;
      *) take_common "$@" || usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  need_two_processors
  "$project_root/tools/setup" --quiet --tests
  require_tools swift
  step "workers: building the benchmark"
  program=$(build_forwarding_benchmark)
  for ((round = 1; round <= rounds; round++)); do
    for driven in on off; do workers_round "$driven"; done
  done
  show_results workers Mframes/s 'times as much as 1 worker' '% of a processor'
}

# workers_round DRIVEN: one worker, and two; on: their threads play the guests too, off: guests have threads of their own.
workers_round() {
  local driven=$1 case="$pairs pairs, $size B" one='' workers status figures
  [[ $driven == off ]] || case+=', guests on the workers'\'' threads'
  for workers in 1 2; do
    status=0
    "$program" --pairs "$pairs" --driven "$driven" --workers "$workers" --size "$size" --seconds "$seconds" \
      >"$work/pairs" 2>"$work/pairs.log" || status=$?
    if ((status == 3)); then
      absent workers "$case" "apus, $workers workers" "$(sed 's/^[^:]*: //' "$work/pairs.log")"
      continue
    fi
    ((status == 0)) || { cat "$work/pairs.log" >&2; die "workers: $workers workers failed"; }
    figures=$(word_after frames/s "$work/pairs")
    note "$(<"$work/pairs")"
    measured workers "$case" "apus, $workers worker$( ((workers == 1)) || echo s)" Mframes/s more "$(ratio "$figures" 1000000)" "$round"
    [[ $driven == off ]] || measured workers "$case" "apus, $workers worker$( ((workers == 1)) || echo s)" '% of a processor' more "$(word_after with "$work/pairs")" "$round"
    if [[ -z $one ]]; then one=$figures; else measured workers "$case" apus 'times as much as 1 worker' more "$(ratio "$figures" "$one")" "$round"; fi
  done
}
