# tools/bench delay: an impaired link holds frames back, it does not slow them down.
# shellcheck shell=bash

# Bytes that a TCP connection may have in flight, at most: more than any of these links takes.
readonly delay_window=67108864
# Bytes of a full frame at an MTU of 1500, as `rate` counts them.
readonly delay_frame=1514

# The links between the nodes a and b, their impairments in both directions and what they are for. Queue and window are
# made large where the figure is about the delay alone.
delay_links() {
  cat <<'LINKS'
none
delay: 10ms
delay: 10ms, queue: 10000
delay: 10ms, rate: 100Mbit
loss: 1%
loss: 100%
LINKS
}

# delay_file: the lab: two namespaces with a wire a line of delay_links, each in a subnet of its own.
delay_file() {
  local impairments number=0 links='' node
  local -A nics=([a]='' [b]='')
  while read -r impairments; do
    for node in a b; do
      nics[$node]+="eth$number: { address: 10.82.$number.$([[ $node == a ]] && echo 1 || echo 2)/24 }, "
    done
    links+="  - { name: w$number, ends: [a:eth$number, b:eth$number]"
    # Loss one way only, so that a lost reply is not counted with a lost request.
    case $impairments in
      none) links+=$' }\n' ;;
      loss*) links+=", impair: { from-a: { $impairments } } }"$'\n' ;;
      *) links+=", impair: { $impairments } }"$'\n' ;;
    esac
    ((++number))
  done < <(delay_links)
  printf 'version: 1\nname: bench-delay\nnodes:\n'
  for node in a b; do printf '  %s: { kind: netns, nics: { %s } }\n' "$node" "${nics[$node]%, }"; done
  printf 'links:\n%s' "$links"
}

# in_node NODE COMMAND...: runs it there.
in_node() {
  local node=$1
  shift
  "$apus" exec --lab bench-delay "$node" -- "$@" </dev/null
}

# prepare_hosts COUNT: TCP windows, and queues of the interfaces that are no shorter than those of the links.
prepare_hosts() {
  local node number
  for node in a b; do
    in_node "$node" sysctl -q -w net.ipv4.tcp_rmem="4096 131072 $delay_window" \
      net.ipv4.tcp_wmem="4096 131072 $delay_window"
    for ((number = 0; number < $1; number++)); do in_node "$node" ip link set "eth$number" txqueuelen 10000; done
  done
}

# round_trip NUMBER: milliseconds, the least of an idle link.
round_trip() {
  in_node a ping -q -c 50 -i 0.02 "10.82.$1.2" | sed -n 's/^rtt[^=]*= \([0-9.]*\)\/.*/\1/p'
}

# queue_losses NUMBER: frames that found the queues of a link full, so far.
queue_losses() {
  local node
  for node in a b; do "$apus" port show --lab bench-delay "$node.eth$1"; done |
    sed -n 's/.*impaired-queue \([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

# worker_frames: frames that the worker has received so far.
worker_frames() { "$apus" stats --lab bench-delay -j | tr -d ' \n' | sed -n 's/.*"frames":\([0-9]*\).*/\1/p'; }

# transfer NUMBER SECONDS: prints "MBIT_PER_SECOND RETRANSMITS" of one TCP connection from a to b, once it is at speed.
transfer() {
  in_node a iperf3 --client "10.82.$1.2" --time "$2" --omit 2 --format m >"$work/iperf.log" 2>&1 ||
    { cat "$work/iperf.log" >&2; die "iperf3 failed"; }
  awk '$NF == "sender" { retransmits = $(NF - 1) }
    $NF == "receiver" { for (i = 1; i <= NF; i++) if ($i == "Mbits/sec") rate = $(i - 1) }
    END { if (rate == "") exit 1; print rate, retransmits }' "$work/iperf.log"
}

# measure_transfers ROUNDS SECONDS: the links without loss in turns; the best of each is shown.
measure_transfers() {
  local round impairments number trip rate retransmits lost frames ticks pid
  pid=$(<"$APUS_STATE_DIR/bench-delay/apus.pid")
  : >"$work/transfers"
  for ((round = 1; round <= $1; round++)); do
    step "delay: round $round of $1"
    number=0
    while read -r impairments; do
      [[ $impairments == loss* ]] && break
      trip=$(round_trip "$number")
      lost=$(queue_losses "$number") frames=$(worker_frames) ticks=$(processor_ticks "$pid")
      read -r rate retransmits < <(transfer "$number" "$2")
      printf '%s;%s;%s;%s;%s;%s;%s\n' "$impairments" "$trip" "$rate" "$retransmits" \
        $(($(queue_losses "$number") - lost)) $(($(worker_frames) - frames)) $(($(processor_ticks "$pid") - ticks)) \
        >>"$work/transfers"
      measured delay "TCP, $impairments" apus Mbit/s more "$rate" "$round"
      measured delay "TCP, $impairments" apus 'ms, round trip' less "$trip" "$round"
      measured delay "TCP, $impairments" apus retransmits less "$retransmits" "$round"
      ((++number))
    done < <(delay_links)
  done
  printf '%-26s %11s %7s %10s %12s %14s %9s\n' \
    'TCP over the link' 'round trip' Mbit/s 'in flight' retransmits 'lost in queue' 'us/frame'
  awk -F ';' -v hertz="$(getconf CLK_TCK)" '
    !($1 in rate) { order[++count] = $1 }
    $3 > rate[$1] + 0 { rate[$1] = $3; rest[$1] = $0 }
    END {
      for (i = 1; i <= count; i++) {
        split(rest[order[i]], best)
        printf "%-26s %8.2f ms %7.0f %7.0f kB %12d %14d %9.1f\n", best[1], best[2], best[3], best[2] * best[3] / 8,
          best[4], best[5], best[7] / hertz * 1e6 / best[6] }
    }' "$work/transfers"
}

# measure_losses: requests over the links with loss and over one without impairments.
measure_losses() {
  local impairments number=0 count
  printf '\n%-26s %11s %7s\n' 'ping over the link' requests lost
  while read -r impairments; do
    case $impairments in
      none | 'loss: 100%') count=200 ;;
      loss*) count=2000 ;;
      *) count=0 ;;
    esac
    if ((count > 0)); then
      # Not for its answer: so that the address is known. Without any answer ping ends with 1.
      in_node a ping -q -c 1 -W 1 "10.82.$number.2" >/dev/null || true
      { in_node a ping -q -c "$count" -i 0.005 -W 1 "10.82.$number.2" || true; } >"$work/ping.log" 2>&1
      awk -v what="$impairments" '/packets transmitted/ { printf "%-26s %11d %7d\n", what, $1, $1 - $4; seen = 1 }
        END { exit !seen }' "$work/ping.log" || { cat "$work/ping.log" >&2; die "ping failed"; }
    fi
    ((++number))
  done < <(delay_links)
}

bench_delay() {
  local rounds=2 seconds=5
  while (($# > 0)); do
    take_common "$@" || usage_error "unknown option $1"
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  need iperf3 iperf3
  bring_up_lab bench-delay < <(delay_file)
  prepare_hosts "$(delay_links | wc -l)"
  in_node b iperf3 --server >"$work/iperf-server.log" 2>&1 &
  later "end_process $!"
  sleep 1
  measure_transfers "$rounds" "$seconds"
  awk -v frame="$delay_frame" 'BEGIN {
    printf "1000 frames (the queue without `queue`) in 10 ms: at most %.0f Mbit/s in frames of %d bytes\n",
      1000 * frame * 8 / 0.01 / 1e6, frame }'
  measure_losses
}
