# tools/bench instructions: what a frame costs in instructions, the same on every machine and at any load.
# shellcheck shell=bash

readonly instruction_frames=64000

# instructions_per_frame SIZE MODE: callgrind's count inside the worker's breath, divided by the frames.
instructions_per_frame() {
  local program=$work/forwarding-benchmark total
  valgrind --tool=callgrind --collect-atstart=no --toggle-collect='$s9Dataplane10WorkerCoreV7breathe*' \
    --callgrind-out-file="$work/callgrind.out" "$program" --frames "$instruction_frames" --size "$1" --mode "$2" \
    >"$work/callgrind.log" 2>&1 || { cat "$work/callgrind.log" >&2; die "the benchmark failed under callgrind"; }
  total=$(sed -n 's/^.*Collected *: *\([0-9]*\).*/\1/p' "$work/callgrind.log")
  # A count of nothing would pass every budget.
  ((${total:-0} > instruction_frames)) || { cat "$work/callgrind.log" >&2; die "callgrind saw no breath of the worker"; }
  awk -v total="$total" -v frames="$instruction_frames" 'BEGIN { printf "%.1f\n", total / frames }'
}

bench_instructions() {
  local check=false size mode budget count status=0
  case ${1-} in
    '') ;;
    --check) check=true ;;
    *) usage_error "unknown option $1" ;;
  esac
  require_tools strip swift valgrind
  step "instructions: building the benchmark"
  (cd "$project_root" && swift build -c release --static-swift-stdlib --product forwarding-benchmark >"$work/build.log" 2>&1) ||
    { cat "$work/build.log" >&2; die "the benchmark does not build"; }
  # valgrind 3.19 cannot read the debug information of Swift's tool chain.
  strip --strip-debug -o "$work/forwarding-benchmark" "$project_root/.build/release/forwarding-benchmark"
  printf '%6s  %-7s %20s %8s\n' bytes mode instructions/frame budget
  while read -r size mode budget; do
    count=$(instructions_per_frame "$size" "$mode")
    printf '%6s  %-7s %20s %8s\n' "$size" "$mode" "$count" "$budget"
    if $check && awk -v count="$count" -v budget="$budget" 'BEGIN { exit !(count > budget) }'; then
      note "over budget: $size bytes, $mode: $count > $budget"
      status=1
    fi
  done < <(sed 's/#.*//;/^[[:space:]]*$/d' "$project_root/tools/benchmarks/instructions.txt")
  return $status
}
