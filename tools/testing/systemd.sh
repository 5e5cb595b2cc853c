# The unit for systemd, under a real systemd: in a Debian machine of a lab. Sourced by tools/test.
# shellcheck shell=bash

# in_machine TEXT: runs a shell's text in the machine, as root.
in_machine() { "$apus" exec --lab unit machine -- sh -c "$1"; }

# demand WHAT TEXT: the text must succeed in the machine within a minute.
demand() {
  local what=$1 text=$2 deadline=$((SECONDS + 60))
  until in_machine "$text" >/dev/null 2>&1; do
    if ((SECONDS > deadline)); then
      note "WRONG: $what"
      in_machine 'systemctl status --no-pager -l "apus@*"; journalctl --no-pager -n 30 -u "apus@*"' >&2 || true
      return 1
    fi
    sleep 1
  done
  note "$what"
}

# send FILE PATH: copies a file into the machine, through the lab's own switch.
send() {
  "$apus" exec --lab unit host -- sh -c "exec nc -N -l 10.0.10.1 8000 <'$1'" &
  local sender=$!
  in_machine "until nc -d 10.0.10.1 8000 >$2 && test -s $2; do sleep 1; done"
  wait $sender
}

# The lab, and in it the machine that is a host of a lab of its own.
write_systemd_labs() {
  cat >"$1/unit.lab.yaml" <<'LAB'
version: 1
name: unit
switches: { sw1: {} }
nodes:
  host: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.10.1/24 } } }
  machine:
    kind: vm
    image: debian-12.qcow2
    memory: 1G
    cloud-init: { user-data: "#cloud-config\nssh_genkeytypes: [ed25519]\n" }
    ready: { agent: true, timeout: 600s }
    nics: { eth0: { switch: sw1, address: 10.0.10.10/24 } }
LAB
  cat >"$1/inner.lab.yaml" <<'LAB'
version: 1
name: inner
switches: { sw1: {} }
nodes: { n: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } } }
LAB
}

# check_unit: each sentence is what must be so.
check_unit() {
  local active='test "$(systemctl is-active apus@inner)" = active' process
  in_machine 'systemctl daemon-reload && systemctl start apus@inner'
  demand "a started unit is active and its lab is up" "$active && ip netns exec apus-inner-n true" || return
  process=$(in_machine 'systemctl show -P MainPID apus@inner')
  in_machine "kill -9 $process"
  demand "a daemon that was killed comes back" \
    "$active && test \$(systemctl show -P MainPID apus@inner) != $process && apus ps --lab inner" || return
  in_machine 'systemctl stop apus@inner'
  demand "a unit that was stopped leaves its nodes running" 'ip netns exec apus-inner-n true' || return
  in_machine 'systemctl start apus@inner'
  demand "a unit that is started again takes them back" "$active && apus ps --lab inner" || return
  in_machine 'apus down inner'
  demand "a lab that was taken down stays down" \
    'sleep 3; test "$(systemctl is-active apus@inner)" = inactive && ! ip netns exec apus-inner-n true' || return
  in_machine 'sed -i s/switches:/swiches:/ /etc/apus/inner.lab.yaml; systemctl start apus@inner' || true
  demand "a mistake in the file is tried once" \
    'sleep 3; test "$(systemctl is-active apus@inner)" = failed && test "$(systemctl show -P NRestarts apus@inner)" = 0'
}

# systemd_test: needs tools/debian-image, and on machines without KVM some minutes.
systemd_test() {
  local apus=$project_root/.build/release/apus work status=0
  work=$(mktemp -d)
  export APUS_STATE_DIR=$work/state APUS_DATA_DIR=$work/data
  mkdir -p "$work/data/images"
  "$project_root/tools/debian-image" \
    --include libpcap0.8,libnl-3-200,libnl-route-3-200,libstdc++6,netcat-openbsd,iputils-ping \
    "$project_root/.build/images/debian-12-libraries.qcow2" || return
  ln -s "$project_root/.build/images/debian-12-libraries.qcow2" "$work/data/images/debian-12.qcow2"
  write_systemd_labs "$work"
  strip -o "$work/apus" "$apus"
  if "$apus" up "$work/unit.lab.yaml"; then
    in_machine 'mkdir -p /etc/apus; modprobe tun' &&
      send "$work/apus" /usr/bin/apus && in_machine 'chmod 755 /usr/bin/apus' &&
      send "$work/inner.lab.yaml" /etc/apus/inner.lab.yaml &&
      send "$project_root/tools/systemd/apus@.service" /etc/systemd/system/apus@.service &&
      check_unit || status=1
    "$apus" down unit || status=1
  else
    status=1
  fi
  rm -rf "$work"
  return $status
}
