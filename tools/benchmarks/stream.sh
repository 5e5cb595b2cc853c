# tools/bench stream: frames between a guest and the peer of a stream's port, on one thread, and the calls that they cost.
# shellcheck shell=bash

# Frames of a burst: what a peer sends with one call.
readonly stream_burst=16

# calls_per_burst MODE: the worker's own reads, writes and changes of what it watches, by strace.
calls_per_burst() {
  local frames=16000
  strace -c -e trace=readv,sendmsg,epoll_ctl -o "$work/stream.calls" \
    "$program" --mode "$1" --size 1500 --frames "$frames" --burst "$stream_burst" >"$work/stream" 2>&1 ||
    { cat "$work/stream" >&2; die "stream: $1 failed under strace"; }
  awk -v bursts="$((frames / stream_burst))" '
    $NF ~ /^(readv|sendmsg|epoll_ctl)$/ { calls += $4 }
    END { printf "%.2f\n", calls / bursts }' "$work/stream.calls"
}

bench_stream() {
  local rounds=5 round mode case calls
  while (($# > 0)); do
    case $1 in
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  require_tools swift strace
  step "stream: building the benchmark"
  program=$(build_forwarding_benchmark)
  for ((round = 1; round <= rounds; round++)); do
    for mode in stream-in stream-out; do
      case="1500 B, $mode"
      "$program" --mode "$mode" --size 1500 --frames 320000 --burst "$stream_burst" >"$work/stream" 2>&1 ||
        { cat "$work/stream" >&2; die "stream: $mode failed"; }
      measured stream "$case" apus 'Gbit/s a processor' more "$(word_after Gbit/s "$work/stream")" "$round"
      note "$case: $(<"$work/stream")"
    done
  done
  for mode in stream-in stream-out; do
    calls=$(calls_per_burst "$mode")
    measured stream "1500 B, $mode" apus "calls a burst of $stream_burst" less "$calls"
  done
  show_results stream 'Gbit/s a processor' "calls a burst of $stream_burst"
}
