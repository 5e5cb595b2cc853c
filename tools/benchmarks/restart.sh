# tools/bench restart: for how long traffic stands still when the daemon is killed and started again.
# shellcheck shell=bash

# in_guest NODE COMMAND: runs a line for the shell in a node of the lab.
in_guest() { "$apus" exec --lab bench-restart "$1" -- sh -c "$2" </dev/null; }

# identities: what would be another if a machine had been started again, or a namespace made anew.
identities() {
  local node
  for node in vm1 vm2; do
    echo "$node pid $(<"$APUS_STATE_DIR/bench-restart/$node/pid") boot $(in_guest "$node" 'cat /proc/sys/kernel/random/boot_id')"
  done
  for node in h1 h2; do
    echo "$node namespace $(stat -L -c %i "/run/netns/apus-bench-restart-$node")" \
      "interface $(in_guest "$node" 'cat /sys/class/net/eth0/ifindex')"
  done
}

# uptimes: seconds since the start of each machine, as it counts them itself.
uptimes() {
  local node
  for node in vm1 vm2; do printf '%s %.0f s  ' "$node" "$(in_guest "$node" 'cut -d " " -f 1 /proc/uptime')"; done
}

# start_pings: one each 20 ms between the namespaces and between the machines, each with the time at which its answer came.
# Nothing of it hangs on the daemon. The guest's ping prints no times, so a loop behind it does.
start_pings() {
  ip netns exec apus-bench-restart-h1 ping -D -i 0.02 10.81.0.4 >"$work/netns.pings" 2>&1 &
  ping_of_netns=$!
  # shellcheck disable=SC2016 # the guest's shell is to expand it
  in_guest vm1 'setsid sh -c '\''ping -i 0.02 10.81.0.2 | while read -r line; do read -r time rest </proc/uptime
    echo "$time $line"; done'\'' >/tmp/pings 2>&1 </dev/null &'
}

# stop_pings: ends them; the last line of each is when, so that answers that never came again count too.
stop_pings() {
  kill -INT "$ping_of_netns"
  wait "$ping_of_netns" || true
  date '+[%s.%N] stopped' >>"$work/netns.pings"
  in_guest vm1 'killall -INT ping; sleep 0.2; cat /tmp/pings; sed "s/ .*/ stopped/" /proc/uptime' >"$work/vm.pings"
}

# longest_silence FILE: prints the seconds of the longest time between two answers.
longest_silence() {
  tr -d '[]' <"$1" | awk '/seq=/ || / stopped$/ {
      if (count++ && $1 - last > longest) longest = $1 - last
      last = $1
    }
    END { if (count < 100) exit 1; printf "%.2f\n", longest }' || { cat "$1" >&2; die "hardly any ping was answered"; }
}

# one_restart NUMBER: kills the daemon under traffic, starts it at once; prints "UP NETNS VM", seconds.
one_restart() {
  local up
  start_pings
  sleep 2
  kill_daemon bench-restart
  up=$(stopwatch "$apus" up "$work/bench-restart.lab.yaml")
  sleep 3
  stop_pings
  echo "$up $(longest_silence "$work/netns.pings") $(longest_silence "$work/vm.pings")"
}

bench_restart() {
  local rounds=5 round before after uptimes_before up netns vm
  while (($# > 0)); do
    case $1 in
      --rounds) take_common "$@" ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift 2
  done
  "$project_root/tools/setup" --quiet --tests
  bring_up_lab bench-restart < <(guests_file bench-restart)
  before=$(identities)
  uptimes_before=$(uptimes)
  printf '%-8s %10s %18s %12s\n' restart up 'netns to netns' 'vm to vm'
  for ((round = 1; round <= rounds; round++)); do
    one_restart >"$work/restart.$round"
    read -r up netns vm <"$work/restart.$round"
    measured restart 'daemon killed, up again' apus s less "$up" "$round"
    measured restart 'longest silence, namespace to namespace' apus s less "$netns" "$round"
    measured restart 'longest silence, machine to machine' apus s less "$vm" "$round"
    awk -v round="$round" '{ printf "%-8d %8.2f s %16.2f s %10.2f s\n", round, $1, $2, $3 }' "$work/restart.$round"
  done
  cat "$work"/restart.[0-9]* | awk '
    { for (i = 1; i <= 3; i++) {
        if (NR == 1 || $i < best[i]) best[i] = $i
        if (NR == 1 || $i > worst[i]) worst[i] = $i } }
    END {
      printf "%-8s %8.2f s %16.2f s %10.2f s\n", "best", best[1], best[2], best[3]
      printf "%-8s %8.2f s %16.2f s %10.2f s\n", "worst", worst[1], worst[2], worst[3]
      printf "%-8s %8.2f s %16.2f s %10.2f s\n", "goal", 2, 2, 2 }'
  after=$(identities)
  [[ $before == "$after" ]] || die "not what ran before:"$'\n'"$before"$'\n'"$after"
  printf 'the same processes, boots, namespaces and interfaces after %d restarts:\n%s\n' "$rounds" "$after"
  printf 'up before the first:  %s\nup after the last:    %s\n' "$uptimes_before" "$(uptimes)"
}
