# What tools/bench keeps of its measurements, how it shows them, and the JSON of a run. Sourced by tools/bench.
#
# `measured` writes a line of $work/results for each figure of each round, `absent` one of $work/absent for what could not
# be measured, with the reason: nothing is ever shown that was not. Both have tabs between their fields.
# shellcheck shell=bash

# measured WORK CASE WHO UNIT less|more VALUE [ROUND]: keeps one figure; `less` or `more` says which is better. WORK is the
# measurement, CASE what was done, WHO did it. A case that is a point of a curve begins with its number: `64 B`, `16 ports`.
measured() {
  [[ $5 == less || $5 == more ]] || die "a figure that is better if it is '$5'"
  [[ $6 =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || die "$1, $2, $3: '$6' is no figure"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$6" "${7:-1}" >>"$work/results"
}

# absent WORK CASE WHO REASON: says, once, why there is no figure.
absent() {
  local line
  line=$(printf '%s\t%s\t%s\t%s' "$1" "$2" "$3" "${4//[$'\t\n']/ }")
  grep -qxF "$line" "$work/absent" 2>/dev/null && return
  printf '%s\n' "$line" >>"$work/absent"
  note "$1, $2, $3: absent: $4"
}

# show_results WORK UNIT...: a table of what was measured, a row a unit, case and who did it.
show_results() {
  local what=$1 unit width=4 heading=1
  shift
  touch "$work/results" "$work/absent"
  for unit in "$@"; do ((${#unit} <= width)) || width=${#unit}; done
  for unit in "$@"; do
    awk -v work="$what" -v unit="$unit" -v format=plain -v heading=$heading -v unit_width="$width" \
      -f "$project_root/tools/benchmarks/tables.awk" "$work/absent" "$work/results"
    heading=0
  done
}

# package_version PACKAGE: version of a Debian package; nothing if it is not installed.
package_version() { dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'; }

# versions: NAME and VERSION of what takes part, one a line, with a tab between.
versions() {
  local name package version
  version=$("$apus" version 2>/dev/null | sed -n '1s/^apus //p' || true)
  printf 'apus\t%s\n' "${version:-not built} $(git -C "$project_root" describe --always --dirty 2>/dev/null || true)"
  printf 'swift\t%s\n' "$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | sed -n 1p)"
  while read -r name package; do
    version=$(package_version "$package")
    [[ -z $version ]] || printf '%s\t%s\n' "$name" "$version"
  done <<'LIST'
dpdk dpdk-dev
openvswitch openvswitch-switch-dpdk
vde vde2
iperf3 iperf3
ping iputils-ping
iproute2 iproute2
qemu qemu-system-x86
valgrind valgrind
gcc gcc
LIST
}

# machine: NAME and VALUE of what this ran on, one a line, with a tab between.
machine() {
  local megahertz hypervisor
  printf 'processor\t%s\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | sed -n 1p)"
  printf 'processors\t%s\n' "$(nproc)"
  megahertz=$(sed -n 's/^cpu MHz[[:space:]]*: //p' /proc/cpuinfo | sed -n 1p)
  [[ -z $megahertz ]] || printf 'MHz\t%s\n' "$megahertz"
  hypervisor=$(lscpu 2>/dev/null | sed -n 's/^Hypervisor vendor:[[:space:]]*//p')
  printf 'virtual\t%s\n' "${hypervisor:-no}"
  printf 'memory\t%s\n' "$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo)"
  printf 'kernel\t%s\n' "$(uname -r)"
  printf 'system\t%s\n' "$(. /etc/os-release 2>/dev/null && printf '%s %s' "${PRETTY_NAME-}" "$(cat /etc/debian_version 2>/dev/null)")"
  printf 'load before\t%s\n' "$load_before"
}

# json_object < LINES: an object of NAME, tab, VALUE.
json_object() {
  awk -F '\t' '{ gsub(/[\\"]/, ""); printf "%s\"%s\": \"%s\"", (NR > 1 ? ", " : "{"), $1, $2 } END { print NR ? "}" : "{}" }'
}

# write_json FILE COMMAND: all that was measured; one measurement a line, which tools/benchmarks/report counts on.
write_json() {
  touch "$work/results" "$work/absent"
  {
    printf '{\n"date": "%s",\n"command": "%s",\n"seconds": %d,\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${2//[\\\"]/}" "$SECONDS"
    printf '"machine": %s,\n' "$(machine | json_object)"
    printf '"versions": %s,\n' "$(versions | json_object)"
    printf '"measurements": [\n'
    awk -f "$project_root/tools/benchmarks/json.awk" "$work/results"
    printf '],\n"absent": [\n'
    awk -F '\t' '{ gsub(/[\\"]/, ""); printf "%s{\"work\": \"%s\", \"case\": \"%s\", \"who\": \"%s\", \"reason\": \"%s\"}",
      (NR > 1 ? ",\n" : ""), $1, $2, $3, $4 } END { if (NR) print "" }' "$work/absent"
    printf ']\n}\n'
  } >"$1.new"
  mv "$1.new" "$1"
  step "written: $1"
}
