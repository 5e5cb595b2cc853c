# tools/bench labs: how long the life cycle of labs takes.
# shellcheck shell=bash

# big_file NODES LINKS: a lab file of external nodes with wires between them, at random but always the same.
big_file() {
  awk -v nodes="$1" -v links="$2" 'BEGIN {
    srand(1)
    print "version: 1\nname: bench-big\nswitches: { sw1: {} }\nnodes:"
    for (i = 1; i <= nodes; i++) printf "  n%d: { kind: external, nics: { eth0: { switch: sw1 } } }\n", i
    print "links:"
    for (i = 1; i <= links; i++) {
      a = 1 + int(rand() * nodes); b = 1 + int(rand() * nodes); if (a == b) b = a % nodes + 1
      printf "  - { name: w%d, ends: [\"n%d:e%d\", \"n%d:e%d\"] }\n", i, a, i, b, i + links
    }
  }'
}

# hosts_file COUNT: a lab of namespaces on one switch.
hosts_file() {
  cat <<LAB
version: 1
name: bench-hosts
vlans: { lan: { id: 10, subnet: 10.80.0.0/16 } }
switches: { sw1: {} }
nodes:
  h[1-$1]: { kind: netns, nics: { eth0: { switch: sw1, vlan: lan } } }
LAB
}

# guests_file NAME: a lab of two machines, 10.81.0.1 and .2, and two namespaces, .3 and .4.
guests_file() {
  cat <<LAB
version: 1
name: $1
vlans: { lan: { id: 10, subnet: 10.81.0.0/24 } }
switches: { sw1: {} }
nodes:
  vm[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: lan } } }
  h[1-2]: { kind: netns, nics: { eth0: { switch: sw1, vlan: lan } } }
LAB
}

# kill_daemon LAB: as a crash would; what it started runs on.
kill_daemon() { kill -9 "$(<"$APUS_STATE_DIR/$1/apus.pid")"; }

# stopwatch COMMAND...: prints the seconds that a command takes; its words go to a log that is shown if it fails.
stopwatch() {
  local begin
  begin=$(date +%s%N)
  "$@" >"$work/stopwatch.log" 2>&1 || { cat "$work/stopwatch.log" >&2; die "$* failed"; }
  awk -v t=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f\n", t / 1e9 }'
}

# row WHAT GOAL COMMAND...: measures and prints.
row() {
  local what=$1 goal=$2 seconds
  shift 2
  seconds=$(stopwatch "$@")
  printf '%-46s %8s s %8s s\n' "$what" "$seconds" "$goal"
  measured labs "$what" apus s less "$seconds"
}

bench_labs() {
  local hosts=200
  no_options "$@"
  "$project_root/tools/setup" --quiet --tests
  printf '%-46s %10s %10s\n' measurement seconds goal
  big_file 1000 5000 >"$work/big.lab.yaml"
  row "validate: 1000 nodes, 5000 links" 0.5 "$apus" validate "$work/big.lab.yaml"
  hosts_file "$hosts" >"$work/hosts.lab.yaml"
  later "'$apus' down bench-hosts >/dev/null 2>&1"
  row "up: $hosts namespaces" 10 "$apus" up "$work/hosts.lab.yaml"
  row "up again: no changes" 0.3 "$apus" up "$work/hosts.lab.yaml"
  kill_daemon bench-hosts
  row "up after kill -9: $hosts namespaces taken back" 2 "$apus" up "$work/hosts.lab.yaml"
  row "down: $hosts namespaces" 5 "$apus" down bench-hosts
  guests_file bench-two >"$work/two.lab.yaml"
  later "'$apus' down bench-two >/dev/null 2>&1"
  row "two machines from up to the first ping" 6 first_ping
  kill_daemon bench-two
  row "daemon killed: up to the next ping" 2 first_ping
}

# first_ping: brings two machines up, or back, and has one ping the other until it answers.
first_ping() {
  local tries=0
  "$apus" up "$work/two.lab.yaml"
  until "$apus" exec --lab bench-two vm1 -- ping -c 1 -W 1 10.81.0.2; do ((tries++ < 20)) || return 1; done
}
