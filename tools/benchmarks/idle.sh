# tools/bench idle: what a silent lab costs.
# shellcheck shell=bash

readonly idle_guests=8 idle_seconds=10

# processor_ticks PID: clock ticks used so far, user and system.
processor_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

bench_idle() {
  (($# == 0)) || usage_error "unknown option $1"
  "$project_root/tools/setup" --quiet --tests
  step "idle: bringing up $idle_guests guests"
  bring_up_lab bench-idle <<LAB
version: 1
name: bench-idle
switches: { sw1: {} }
nodes:
  vm[1-$idle_guests]: { kind: vm, image: builtin, nics: { eth0: { switch: sw1 } } }
LAB
  local pid deadline=$((SECONDS + 180)) ready before after
  pid=$(<"$APUS_STATE_DIR/bench-idle/apus.pid")
  until ready=$("$apus" ps --lab bench-idle -o json | tr -d ' \n' | grep -o '"ready":true' | wc -l) && ((ready == idle_guests)); do
    ((SECONDS < deadline)) || die "only $ready of $idle_guests guests became ready"
    sleep 1
  done
  step "idle: all ready; measuring for $idle_seconds s after 5 s of rest"
  sleep 5
  before=$(processor_ticks "$pid")
  sleep "$idle_seconds"
  after=$(processor_ticks "$pid")
  awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" -v seconds="$idle_seconds" \
    -v memory="$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status")" 'BEGIN {
      printf "daemon, %d guests connected and silent: %.2f %% of a processor, RssAnon %.1f MB\n",
        '"$idle_guests"', 100 * ticks / hertz / seconds, memory / 1024 }'
}
