# tools/bench all: every measurement, each by a call of its own, so that what one starts is gone before the next.
# shellcheck shell=bash

# In the order in which they run; `tools/bench NAME` does one.
readonly bench_names='v2v tap nic stream tso latency workers macs flood ports idle instructions labs delay restart migrate'

# one_of_all NAME ARGUMENT...: runs one and takes over its figures; those of one that fails are lost, and it is said.
one_of_all() {
  local status=0
  step "tools/bench $*"
  rm -f "$work/part.json"
  # In a group of its own, beside this shell: so a signal to this shell alone reaches it too, with all that it waits for.
  set -m
  "$project_root/tools/bench" "$@" --json "$work/part.json" </dev/null &
  running=$!
  set +m
  wait "$running" || status=$?
  running=
  if [[ -e $work/part.json ]]; then
    awk -v kind=measurements -f "$project_root/tools/benchmarks/rows.awk" "$work/part.json" >>"$work/results"
    awk -v kind=absent -f "$project_root/tools/benchmarks/rows.awk" "$work/part.json" >>"$work/absent"
  fi
  ((status == 0)) || failed_parts+=("$* (status $status)")
}

# end_running: ends the one that runs, which needs its time to take down what it started.
end_running() {
  [[ -n $running ]] || return 0
  kill -- "-$running" 2>/dev/null
  timeout 120 tail --pid="$running" -f /dev/null || kill -9 -- "-$running"
}

# variants_of_v2v ARGUMENT...: one run for each way in which rings are negotiated; the sizes of the first make a curve.
variants_of_v2v() {
  one_of_all v2v --frames 64,128,256,512,1024,1500 "$@"
  one_of_all v2v --frames 64,1500 --in-order off "$@"
  one_of_all v2v --frames 64,1500 --in-order off --mergeable off "$@"
  one_of_all v2v --frames 64,1500 --packed "$@"
  one_of_all v2v --frames 64,1500 --packed --in-order off "$@"
  one_of_all v2v --frames 64 --queues 2 "$@"
}

# both_congestions: that of Debian's kernel, and this machine's, if it is another one.
both_congestions() {
  local here
  here=$(congestion_here)
  if [[ $here == cubic ]]; then printf cubic; else printf 'cubic,%s' "$here"; fi
}

bench_all() {
  local name rounds='' seconds='' only="${bench_names// /,}"
  local -a peers=() times=()
  running=
  failed_parts=()
  while (($# > 0)); do
    case $1 in
      --peers) peers=(--peers); shift; continue ;;
    esac
    case $1 in
      # shellcheck disable=SC2086  # words
      --only) check_words "$1" "${2-}" $bench_names; only=$2 ;;
      *) take_common "$@" || usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  # Best of five, if nothing is said.
  times+=(--rounds "${rounds:-5}")
  later end_running
  for name in $bench_names; do
    [[ ,$only, == *,$name,* ]] || continue
    if ! declare -F "bench_$name" >/dev/null; then
      absent "$name" all apus "this version has no such measurement yet"
      continue
    fi
    case $name in
      v2v) variants_of_v2v "${peers[@]}" "${times[@]}" ${seconds:+--seconds "$seconds"} ;;
      tap) one_of_all tap --congestion "$(both_congestions)" "${peers[@]}" "${times[@]}" ${seconds:+--seconds "$seconds"} ;;
      latency) one_of_all latency "${peers[@]}" "${times[@]}" ;;
      workers | delay | nic) one_of_all "$name" "${times[@]}" ${seconds:+--seconds "$seconds"} ;;
      tso | stream | ports | restart) one_of_all "$name" "${times[@]}" ;;
      idle) one_of_all idle ${seconds:+--seconds "$seconds"} ;;
      *) one_of_all "$name" ;;
    esac
  done
  if ((${#failed_parts[@]} > 0)); then
    step "failed, and not among the figures"
    printf '    tools/bench %s\n' "${failed_parts[@]}" >&2
    return 1
  fi
}
