# tools/bench tap: iperf3 between two namespaces.
# shellcheck shell=bash

# serve NAME: an iperf3 server at the far end.
serve() {
  ip netns exec "${far[$1]}" iperf3 --server >"$work/server-$1.log" 2>&1 </dev/null &
  later "end_process $!"
}

# congestion_here: the congestion control that connections of this host get if nothing is said.
congestion_here() { sysctl -n net.ipv4.tcp_congestion_control; }

# tap_case PROTOCOL STREAMS DIRECTION, where PROTOCOL is UDP, or TCP and its congestion control: `TCP cubic`.
tap_case() {
  printf '%s, %s, %s' "$1" "$([[ $2 == 1 ]] && echo '1 stream' || echo "$2 streams")" \
    "$([[ $3 == out ]] && echo 'a to b' || echo 'b to a')"
}

# stream_data NAME PROTOCOL STREAMS DIRECTION SECONDS ROUND: keeps the rate at the receiver, and what got lost on the way, for
# $stream_work.
stream_work=tap
stream_data() {
  local name=$1 protocol=$2 rate lost unit case
  case=$(tap_case "$2" "$3" "$4")
  local -a options=(--client "${far_address[$name]}" --parallel "$3" --time "$5" --format m)
  # What UDP lost is counted wrong where the first second is left out.
  if [[ $protocol == UDP ]]; then
    options+=(--udp --bitrate 0 --length 1448)
  else
    options+=(--omit 1 --congestion "${protocol#TCP }")
  fi
  [[ $4 == out ]] || options+=(--reverse)
  timeout $(($5 + 30)) ip netns exec "${near[$name]}" iperf3 "${options[@]}" >"$work/iperf.log" 2>&1 </dev/null ||
    { cat "$work/iperf.log" >&2; die "$case, $name: iperf3 failed"; }
  # Of several streams the sums come last.
  read -r rate lost < <(awk '
    $NF == "sender" { sent = $(NF - 1) }
    $NF == "receiver" { for (i = 1; i <= NF; i++) if ($i == "Mbits/sec") rate = $(i - 1); got = $(NF - 1) }
    END { gsub(/[(%)]/, "", got); print rate / 1000, (got ~ /^[0-9.e+-]+$/ ? got + 0 : sent) }' "$work/iperf.log")
  unit=retransmits
  [[ $protocol != UDP ]] || unit='% lost'
  [[ $protocol == UDP ]] || lost=$(awk '$NF == "sender" { n = $(NF - 1) } END { print n + 0 }' "$work/iperf.log")
  measured "$stream_work" "$case" "$name" Gbit/s more "$rate" "$6"
  measured "$stream_work" "$case" "$name" "$unit" less "$lost" "$6"
  note "$case, $name: $rate Gbit/s, $lost $unit"
}

bench_tap() {
  local rounds=3 seconds=3 protocols=TCP,UDP streams=1,4 directions=out,back round protocol count direction name
  local congestions
  local -a who=(apus apus-pinned) kinds=()
  congestions=$(congestion_here)
  while (($# > 0)); do
    case $1 in
      --peers) who+=(bridge vde forwarder forwarder-pinned); shift; continue ;;
    esac
    case $1 in
      --peer) check_words "$1" "${2-}" bridge vde forwarder forwarder-pinned; who+=(${2//,/ }) ;;
      --protocols) check_words "$1" "${2-}" tcp udp; protocols=${2^^} ;;
      --congestion)
        # shellcheck disable=SC2046  # words
        check_words "$1" "${2-}" $(sysctl -n net.ipv4.tcp_available_congestion_control)
        congestions=$2
        ;;
      --streams) check_numbers "$1" "${2-}" 1 128; streams=$2 ;;
      --directions) check_words "$1" "${2-}" out back; directions=$2 ;;
      *) take_common "$@" || usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  require_tools cc ip ping taskset timeout
  need iperf3 iperf3
  for protocol in ${protocols//,/ }; do
    if [[ $protocol == UDP ]]; then kinds+=(UDP); else for name in ${congestions//,/ }; do kinds+=("TCP $name"); done; fi
  done
  step "tap: $protocols with $streams streams, $rounds rounds of $seconds s"
  join_all tap "${who[@]}"
  for name in "${joined[@]}"; do serve "$name"; done
  sleep 0.5
  for ((round = 1; round <= rounds; round++)); do
    for protocol in "${kinds[@]}"; do
      for count in ${streams//,/ }; do
        for direction in ${directions//,/ }; do
          for name in "${joined[@]}"; do stream_data "$name" "$protocol" "$count" "$direction" "$seconds" "$round"; done
        done
      done
    done
  done
  show_results tap Gbit/s '% lost'
}
