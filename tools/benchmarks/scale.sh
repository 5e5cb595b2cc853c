# What `tools/bench macs` and `flood` keep of what the benchmark prints with --format json, an object a line.
# shellcheck shell=bash

# json_value KEY LINE: the value of a key, without its quotes; nothing if there is no such key.
json_value() { sed -n "s/.*\"$1\": \"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$2"; }

# keep WORK CASE UNIT less|more VALUE: keeps a figure that is there.
keep() { [[ -z $5 ]] || measured "$1" "$2" apus "$3" "$4" "$5"; }

# keep_macs < LINES
keep_macs() {
  local line case idle beside
  while read -r line; do
    case="$(json_value stations "$line") stations"
    idle=$(json_value idle_ports "$line") beside=$(json_value beside "$line")
    [[ -z $idle || $idle == 0 ]] || case+=" beside $idle idle ports"
    case $beside in
      '') ;;
      nothing) case+=', left alone' ;;
      *) case+=", $beside" ;;
    esac
    keep macs "$case" cycles/frame less "$(json_value cycles "$line")"
    keep macs "$case" 'cycles/frame, median' less "$(json_value median "$line")"
    keep macs "$case" 'cycles to learn a station' less "$(json_value learning_cycles "$line")"
    keep macs "$case" 'us, longest breath' less "$(json_value longest_us "$line")"
  done
}

# keep_flood < LINES
keep_flood() {
  local line case frames copies
  while read -r line; do
    case="$(json_value load "$line"), $(json_value ports "$line") ports"
    frames=$(json_value unicast_per_second "$line") copies=$(json_value copies_per_second "$line")
    keep flood "$case" Mframes/s more "${frames:+$(ratio "$frames" 1000000)}"
    keep flood "$case" 'M copies/s' more "${copies:+$(ratio "$copies" 1000000)}"
    keep flood "$case" 'us, mean breath' less "$(json_value breath_us "$line")"
    keep flood "$case" 'us, longest breath' less "$(json_value longest_breath_us "$line")"
  done
}
