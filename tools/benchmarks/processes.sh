# What tools/bench starts beside itself, and how it ends it: by its id, never by its name. Sourced by tools/bench.
# shellcheck shell=bash

# end_process PID: asks it to end, and ends it after ten seconds.
end_process() {
  [[ -n ${1-} ]] && kill -0 "$1" 2>/dev/null || return 0
  # One that was stopped does not hear.
  kill "$1" 2>/dev/null || true
  kill -CONT "$1" 2>/dev/null || true
  timeout 10 tail --pid="$1" -f /dev/null || kill -9 "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; dies if it does not.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || die "$what"
    sleep 0.1
  done
}

# processor_ticks PID: clock ticks used so far, user and system.
processor_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# anonymous_memory PID: megabytes of RssAnon.
anonymous_memory() { awk '/^RssAnon/ { printf "%.2f", $2 / 1024 }' "/proc/$1/status"; }

# need COMMAND PACKAGE: installs the package if the command is not there.
need() { command -v "$1" >/dev/null || install_package "$2"; }
