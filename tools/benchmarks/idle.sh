# tools/bench idle: what a silent lab costs.
# shellcheck shell=bash

readonly idle_guests=8

# rest_and_measure CASE LAB SECONDS: processor share of the daemon once it has had time to come to rest, and its memory.
rest_and_measure() {
  local pid before after
  pid=$(<"$APUS_STATE_DIR/$2/apus.pid")
  step "idle: $1: measuring for $3 s after 5 s of rest"
  sleep 5
  before=$(processor_ticks "$pid")
  sleep "$3"
  after=$(processor_ticks "$pid")
  measured idle "$1" apus '% of a processor' less \
    "$(awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" -v s="$3" 'BEGIN { printf "%.3f", 100 * ticks / hertz / s }')"
  measured idle "$1" apus 'MB RssAnon' less "$(anonymous_memory "$pid")"
}

idle_ports() {
  bring_up_lab bench-ports <<LAB
version: 1
name: bench-ports
switches: { sw1: {} }
nodes:
  n[1-$1]: { kind: external, nics: { eth0: { switch: sw1 } } }
LAB
  rest_and_measure "$1 ports, nobody connected" bench-ports "$2"
  "$apus" down bench-ports >"$work/bench-ports.log" 2>&1 || cat "$work/bench-ports.log" >&2
}

idle_guests() {
  local deadline=$((SECONDS + 180)) ready
  step "idle: bringing up $idle_guests guests"
  bring_up_lab bench-idle <<LAB
version: 1
name: bench-idle
switches: { sw1: {} }
nodes:
  vm[1-$idle_guests]: { kind: vm, image: builtin, nics: { eth0: { switch: sw1 } } }
LAB
  until ready=$("$apus" ps --lab bench-idle -o json | tr -d ' \n' | grep -o '"ready":true' | wc -l) && ((ready == idle_guests)); do
    ((SECONDS < deadline)) || die "only $ready of $idle_guests guests became ready"
    sleep 1
  done
  rest_and_measure "$idle_guests guests, connected and silent" bench-idle "$1"
}

bench_idle() {
  local ports=600 seconds=10 guests=on
  while (($# > 0)); do
    case $1 in
      --ports) check_number "$1" "${2-}" 1 10000; ports=$2 ;;
      --guests) check_word "$1" "${2-}" on off; guests=$2 ;;
      --seconds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  idle_ports "$ports" "$seconds"
  [[ $guests == off ]] || idle_guests "$seconds"
  show_results idle '% of a processor' 'MB RssAnon'
}
