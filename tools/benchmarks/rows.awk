# The JSON of tools/bench back to lines of results.sh, with tabs between their fields: -v kind=measurements, absent, machine
# or versions. The JSON has one measurement a line, as results.sh writes it.

function text(key,   place) {
  place = index($0, "\"" key "\": \"")
  if (!place) return ""
  place = substr($0, place + length(key) + 5)
  return substr(place, 1, index(place, "\"") - 1)
}

kind == "measurements" && /^\{"work": .*"rounds": \[/ {
  list = substr($0, index($0, "\"rounds\": [") + 11)
  list = substr(list, 1, index(list, "]") - 1)
  n = split(list, rounds, ", *")
  for (i = 1; i <= n; i++)
    printf "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", text("work"), text("case"), text("who"), text("unit"), text("better"), rounds[i], i
}

kind == "absent" && /^\{"work": .*"reason": / {
  printf "%s\t%s\t%s\t%s\n", text("work"), text("case"), text("who"), text("reason")
}

(kind == "machine" || kind == "versions") && index($0, "\"" kind "\": {") == 1 {
  list = $0
  sub(/^[^{]*\{/, "", list)
  while (match(list, /"[^"]*": "[^"]*"/)) {
    pair = substr(list, RSTART + 1, RLENGTH - 2)
    list = substr(list, RSTART + RLENGTH)
    place = index(pair, "\": \"")
    printf "%s\t%s\n", substr(pair, 1, place - 1), substr(pair, place + 4)
  }
}

(kind == "date" || kind == "command") && index($0, "\"" kind "\": ") == 1 { print text(kind) }
