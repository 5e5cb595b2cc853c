# tools/bench instructions: what a frame costs in instructions, the same on every machine and at any load.
# shellcheck shell=bash

# Of a row that says nothing else.
readonly instruction_frames=32000

# instructions_per_frame SIZE MODE OPTION...: callgrind's count inside the worker's breath, divided by the frames.
instructions_per_frame() {
  local program=$work/forwarding-benchmark size=$1 mode=$2 total frames=$instruction_frames
  shift 2
  [[ " $* " =~ \ --frames\ ([0-9]+)\  ]] && frames=${BASH_REMATCH[1]}
  valgrind --tool=callgrind --collect-atstart=no --toggle-collect='$s9Dataplane10WorkerCoreV7breathe*' \
    --callgrind-out-file="$work/callgrind.out" "$program" --size "$size" --mode "$mode" "$@" --frames "$frames" \
    >"$work/callgrind.log" 2>&1 || { cat "$work/callgrind.log" >&2; die "the benchmark failed under callgrind"; }
  total=$(sed -n 's/^.*Collected *: *\([0-9]*\).*/\1/p' "$work/callgrind.log")
  # A count of nothing would pass every budget.
  ((${total:-0} > frames)) || { cat "$work/callgrind.log" >&2; die "callgrind saw no breath of the worker"; }
  awk -v total="$total" -v frames="$frames" 'BEGIN { printf "%.1f\n", total / frames }'
}

bench_instructions() {
  local check=false rows=. size mode budget options count program case status=0
  local -a words
  while (($# > 0)); do
    case $1 in
      --check) check=true; shift ;;
      --rows) rows=${2-}; [[ -n $rows ]] || usage_error "$1 takes a regular expression"; shift 2 ;;
      *) usage_error "unknown option $1" ;;
    esac
  done
  require_tools strip swift valgrind
  step "instructions: building the benchmark"
  program=$(build_forwarding_benchmark)
  # valgrind 3.19 cannot read the debug information of Swift's tool chain.
  strip --strip-debug -o "$work/forwarding-benchmark" "$program"
  printf '%6s  %-10s %-32s %20s %8s\n' bytes mode with instructions/frame budget
  while read -r size mode budget options; do
    [[ "$size $mode $options" =~ $rows ]] || continue
    [[ $budget =~ ^[0-9]+$ ]] || die "instructions.txt: '$budget' is no budget of $size $mode"
    read -ra words <<<"$options"
    count=$(instructions_per_frame "$size" "$mode" "${words[@]}")
    printf '%6s  %-10s %-32s %20s %8s\n' "$size" "$mode" "${options//--/}" "$count" "$budget"
    case="$size B, $mode${options:+, ${options//--/}}"
    measured instructions "$case" apus instructions/frame less "$count"
    measured instructions "$case" budget instructions/frame less "$budget"
    if $check && awk -v count="$count" -v budget="$budget" 'BEGIN { exit !(count > budget) }'; then
      note "over budget: $case: $count > $budget"
      status=1
    fi
  done < <(sed 's/#.*//;/^[[:space:]]*$/d' "$project_root/tools/benchmarks/instructions.txt")
  return $status
}
