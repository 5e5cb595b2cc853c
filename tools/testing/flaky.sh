# A second chance for tests that failed, and the list of those that needed it. Sourced by tools/test.
# shellcheck shell=bash
#
# Real guests on a busy machine can fail once for a reason that is no fault of the change at hand. One such failure must
# not stop the change, and must not be forgotten either: the test is named, and mended next.

# The most tests that get a second chance: when more fail, it was not bad luck.
readonly most_second_chances=5

# ended_tests EVENTS pass|fail: the tests of a run that ended so, from its event stream, one a line, as `swift test`
# names them. Suites, which end as their tests do, are left out.
ended_tests() {
  grep -F '"kind":"testEnded"' "$1" 2>/dev/null | grep -F "\"symbol\":\"$2\"" |
    sed -n 's/.*"testID":"\([^"]*\)".*/\1/p' | sed 's,\\/,/,g' | sed -n 's,^\(.*)\)/[^/]*$,\1,p' || true
}

# only TEST: the regular expression for a filter that this test alone matches.
only() { printf '^%s(/|$)' "$(sed 's/[][().*^$+?{}|\\]/\\&/g' <<<"$1")"; }

# with_second_chance LIMIT NAME ARGUMENT...: runs tests one by one as swift_test does; those that failed once more, each
# alone. Succeeds if each test has passed at last. A run that did not come to its end is a failure: nobody knows what it
# would have found.
with_second_chance() {
  local limit=$1 name=$2 events=$logs/$2.events before test status=0
  shift 2
  before=$(<"$failures")
  rm -f "$events"
  swift_test "$limit" "$name.log" --no-parallel --event-stream-output-path "$events" --event-stream-version 6.3 "$@" ||
    status=$?
  ((status == 0)) && return
  local -a failed
  mapfile -t failed < <(ended_tests "$events" fail)
  grep -qF '"kind":"runEnded"' "$events" || return "$status"
  ((${#failed[@]} > 0 && ${#failed[@]} <= most_second_chances)) || return "$status"
  local -a passed=()
  for test in "${failed[@]}"; do
    step "once more, alone: $test"
    rm -f "$events.again"
    swift_test "$limit" "$name-again-${#passed[@]}.log" --no-parallel --event-stream-output-path "$events.again" \
      --event-stream-version 6.3 --filter "$(only "$test")" || return "$status"
    # A filter that matches nothing succeeds too.
    [[ $'\n'$(ended_tests "$events.again" pass)$'\n' == *$'\n'"$test"$'\n'* ]] || return "$status"
    passed+=("$test")
  done
  printf '%s' "${before:+$before$'\n'}" >"$failures"
  for test in "${passed[@]}"; do printf 'flaky: %s\n' "$test"; done >>"$flaky"
  what_failed "$logs/$name.log" 1 "$limit" | sed '1d;s/^/    /' >>"$flaky"
}
