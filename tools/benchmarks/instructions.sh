# tools/bench instructions: what a frame costs in instructions, the same on every machine and at any load.
# shellcheck shell=bash

readonly instruction_frames=64000

# instructions_per_frame SIZE MODE OPTION...: callgrind's count inside the worker's breath, divided by the frames.
instructions_per_frame() {
  local program=$work/forwarding-benchmark size=$1 mode=$2 total
  shift 2
  valgrind --tool=callgrind --collect-atstart=no --toggle-collect='$s9Dataplane10WorkerCoreV7breathe*' \
    --callgrind-out-file="$work/callgrind.out" "$program" --frames "$instruction_frames" --size "$size" --mode "$mode" "$@" \
    >"$work/callgrind.log" 2>&1 || { cat "$work/callgrind.log" >&2; die "the benchmark failed under callgrind"; }
  total=$(sed -n 's/^.*Collected *: *\([0-9]*\).*/\1/p' "$work/callgrind.log")
  # A count of nothing would pass every budget.
  ((${total:-0} > instruction_frames)) || { cat "$work/callgrind.log" >&2; die "callgrind saw no breath of the worker"; }
  awk -v total="$total" -v frames="$instruction_frames" 'BEGIN { printf "%.1f\n", total / frames }'
}

bench_instructions() {
  local check=false size mode budget recorder ring count what program status=0
  local -a options
  case ${1-} in
    '') ;;
    --check) check=true ;;
    *) usage_error "unknown option $1" ;;
  esac
  require_tools strip swift valgrind
  step "instructions: building the benchmark"
  program=$(build_forwarding_benchmark)
  # valgrind 3.19 cannot read the debug information of Swift's tool chain.
  strip --strip-debug -o "$work/forwarding-benchmark" "$program"
  printf '%6s  %-7s %-15s %20s %8s\n' bytes mode with instructions/frame budget
  while read -r size mode budget recorder ring; do
    # A capture of another port must not be felt at all: it has the budget of nothing.
    while IFS=$'\t' read -r what budget; do
      read -ra options <<<"$what"
      count=$(instructions_per_frame "$size" "$mode" --ring "${ring:-split}" "${options[@]}")
      printf '%6s  %-7s %-15s %20s %8s  %s\n' "$size" "$mode" "${what//--/}" "$count" "$budget" "${ring-}"
      if $check && awk -v count="$count" -v budget="$budget" 'BEGIN { exit !(count > budget) }'; then
        note "over budget: $size bytes, $mode, $what: $count > $budget"
        status=1
      fi
    done < <(printf '%s\t%s\n' '--capture none' "$budget" '--capture other' "$budget" '--recorder on' "$recorder")
  done < <(sed 's/#.*//;/^[[:space:]]*$/d' "$project_root/tools/benchmarks/instructions.txt")
  return $status
}
