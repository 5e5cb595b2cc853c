# tools/bench v2v: frames from one vhost-user port to another and back, driven by dpdk-testpmd.
#
# A switch that takes part has, for its NAME: start_NAME QUEUES; sockets_NAME, which prints the paths of its two ports;
# wake_NAME and rest_NAME around each measurement; begin_NAME and end_NAME, between which it counts, and of which the second
# prints "CYCLES FRAMES NANOSECONDS" (CYCLES - if it does not tell); rings_NAME, which prints what the generator's rings
# have become, split or packed.
# shellcheck shell=bash

# apus_counters: "BUSY_CYCLES FRAMES NANOSECONDS" of all workers up to now.
apus_counters() {
  local stats
  stats=$("$apus" stats --lab bench-v2v -o json)
  printf '%s %s %s\n' "$(json_sum busy_cycles <<<"$stats")" "$(json_sum frames <<<"$stats")" "$(date +%s%N)"
}

# json_sum KEY: the sum of all numbers with that key.
json_sum() { tr -d ' \n' | grep -o "\"$1\":[0-9]*" | cut -d : -f 2 | awk '{ sum += $1 } END { printf "%.0f", sum }'; }

start_apus() {
  bring_up_lab bench-v2v <<LAB
version: 1
name: bench-v2v
workers: { count: 1, cpus: [$worker_cpu], poll: adaptive }
switches: { sw1: {} }
nodes:
  a: { kind: external, nics: { eth0: { switch: sw1, queues: $1 } } }
  b: { kind: external, nics: { eth0: { switch: sw1, queues: $1 } } }
LAB
}

sockets_apus() { echo "$APUS_STATE_DIR/bench-v2v/a.eth0.sock $APUS_STATE_DIR/bench-v2v/b.eth0.sock"; }
# It sleeps by itself.
wake_apus() { :; }
rest_apus() { :; }
begin_apus() { apus_counters >"$work/apus.before"; }
end_apus() {
  { cat "$work/apus.before"; apus_counters; } |
    awk 'NR == 1 { c = $1; f = $2; t = $3 } END { printf "%.0f %.0f %.0f\n", $1 - c, $2 - f, $3 - t }'
}
rings_apus() {
  "$apus" port show --lab bench-v2v a.eth0 -o json | tr -d ' \n' | grep -o '"ring":"[a-z]*"' | sed -n '1s/.*:"\(.*\)"/\1/p'
}

# measure_frames WHO CASE SIZE SECONDS ROUND: keeps cycles a frame and frames a second of one measurement.
measure_frames() {
  local who=$1 case=$2 size=$3 seconds=$4 round=$5 probe cycles frames nanoseconds rings sockets
  probe=$(cache_line)
  wake_"$who"
  sockets=$(sockets_"$who")
  # shellcheck disable=SC2086  # two words
  start_generator "$size" $sockets
  sleep 1
  rings=$(rings_"$who")
  begin_"$who"
  sleep "$seconds"
  read -r cycles frames nanoseconds < <(end_"$who")
  stop_generator
  rest_"$who"
  if ((generator_packed)) && [[ $rings != packed ]]; then
    absent v2v "$case" "$who" "packed rings are not offered: the generator's became ${rings:-nothing}"
    return
  fi
  ((frames > 0)) || { tail -n 20 "$work/generator.log" >&2; die "$who passed no frame"; }
  measured v2v "$case" "$who" Mframes/s more "$(ratio "$frames" "$nanoseconds" 1000)" "$round"
  [[ $cycles == - ]] || measured v2v "$case" "$who" cycles/frame less "$(ratio "$cycles" "$frames")" "$round"
  [[ $probe == - ]] || measured v2v "$case" "$who" 'cycles of a cache line there and back' less "$probe" "$round"
  [[ $cycles == - ]] || cycles="$(ratio "$cycles" "$frames") cycles/frame, "
  note "$case, $who: ${cycles#-}$(ratio "$frames" "$nanoseconds" 1000) Mframes/s; cache line $probe cycles"
}

# ratio A B [FACTOR]: A x FACTOR / B, with digits that say something.
ratio() { awk -v a="$1" -v b="$2" -v f="${3:-1}" 'BEGIN { printf "%.3f", a * f / b }'; }

bench_v2v() {
  local who peer size round case variant='' sizes=64,256,1500 rounds=3 seconds=3 peers=
  while (($# > 0)); do
    case $1 in
      --packed) generator_packed=1; shift; continue ;;
      --peers) peers=ovs,testpmd; shift; continue ;;
    esac
    case $1 in
      --peer) check_words "$1" "${2-}" ovs testpmd; peers=$2 ;;
      --frames) check_numbers "$1" "${2-}" 60 9000; sizes=$2 ;;
      --queues) check_number "$1" "${2-}" 1 16; generator_queues=$2 ;;
      --in-order) check_word "$1" "${2-}" on off; generator_in_order=$([[ $2 == on ]] && echo 1 || echo 0) ;;
      --mergeable) check_word "$1" "${2-}" on off; generator_mergeable=$([[ $2 == on ]] && echo 1 || echo 0) ;;
      *) take_common "$@" || usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  ((generator_packed == 0)) || variant+=', packed'
  ((generator_in_order)) || variant+=', not in order'
  ((generator_mergeable)) || variant+=', not mergeable'
  ((generator_queues == 1)) || variant+=", $generator_queues queues"
  need_two_processors
  "$project_root/tools/setup" --quiet --tests
  require_tools cc dpdk-testpmd stdbuf sysctl tail timeout
  take_hugepages v2v
  later stop_generator
  step "v2v: frames of $sizes bytes$variant, $rounds rounds of $seconds s"
  for who in apus ${peers//,/ }; do start_"$who" "$generator_queues"; done
  for ((round = 1; round <= rounds; round++)); do
    for size in ${sizes//,/ }; do
      for who in apus ${peers//,/ }; do measure_frames "$who" "$size B$variant" "$size" "$seconds" "$round"; done
    done
  done
  show_results v2v cycles/frame Mframes/s
}

# need_two_processors: one is the worker's, the other one what drives it.
need_two_processors() {
  (($(nproc) >= 2)) || die "two processors are needed, one for the worker and one for what drives it"
}
