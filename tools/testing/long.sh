# What CI has no time for. Sourced by tools/test.
# shellcheck shell=bash

# while_busy COMMAND...: runs it while each processor has something else to do all the time, as on a loaded machine.
while_busy() {
  local status=0 index
  local -a spinning=()
  for ((index = 0; index < $(nproc); index++)); do
    # Ctrl-C does not reach what a script runs beside it.
    (while kill -0 $$ 2>/dev/null; do :; done) &
    spinning+=($!)
  done
  "$@" || status=$?
  kill "${spinning[@]}"
  wait "${spinning[@]}" 2>/dev/null || true
  return $status
}

# long_tests: each stage runs, whatever failed before it; ends with what each took. The tests of the modules and of the
# data plane must pass on a busy machine, time after time; so must those of real guests, twice without a second chance.
long_tests() {
  local status=0 round
  for round in 1 2 3; do
    timed "module tests on a busy machine, round $round" while_busy unit_tests || status=1
    timed "data plane tests on a busy machine, round $round" while_busy data_plane_tests '' || status=1
  done
  export APUS_BINARY=$project_root/.build/release/apus
  for round in 1 2; do
    timed "end-to-end tests, round $round" swift_test 2400 "end-to-end-$round.log" --no-parallel --filter 'EndToEnd.*' ||
      status=1
  done
  timed "the unit under systemd" "$project_root/tools/systemd/try" || status=1
  timed "packages, as small as they must be" "$project_root/tools/package" || status=1
  timed "shared tables under the thread sanitizer" "$project_root/tools/check-races" || status=1
  timed "readers of strangers' bytes, fuzzed" "$project_root/tools/fuzz" --seconds 1800 || status=1
  for round in labs restart delay; do
    timed "bench $round" "$project_root/tools/bench" "$round" || status=1
  done
  return $status
}
