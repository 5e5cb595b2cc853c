# The benchmark of one thread, tools/benchmarks/forwarding, and what it measures beside instructions.
# shellcheck shell=bash

# build_forwarding_benchmark: builds it from links to the modules, into .build/benchmark; prints where it is.
#
# DrivenWorker, which sees the inside of the data plane, is a file of the tests and of this build, not of the product.
build_forwarding_benchmark() {
  local folder=$project_root/.build/benchmark
  link_modules "$folder" CLinux CNetlink Frames LinuxHost VhostUser Dataplane GuestKit
  # In a module that says of its imports how far they go, every file has to.
  sed -E 's/^import (LinuxHost|VhostUser)$/package import \1/' \
    "$project_root/Tests/DataplaneTests/Support/DrivenWorker.swift" >"$folder/Sources/Dataplane/DrivenWorker.swift"
  ln -s "$project_root/tools/benchmarks/forwarding" "$folder/Sources/forwarding-benchmark"
  write_manifest "$folder" <<'END'
    .target(name: "GuestKit", dependencies: ["VhostUser", "LinuxHost", "Frames"], swiftSettings: settings),
    .executableTarget(
      name: "forwarding-benchmark", dependencies: ["Dataplane", "GuestKit", "VhostUser", "LinuxHost", "Frames", "CLinux"],
      swiftSettings: settings),
END
  (cd "$folder" && swift build -c release --static-swift-stdlib --product forwarding-benchmark) >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; die "the benchmark does not build"; }
  printf '%s\n' "$folder/.build/release/forwarding-benchmark"
}

# bench_ports: how long it takes to add 1,024 ports, to list and to remove them; five rounds.
bench_ports() {
  local program round
  (($# == 0)) || usage_error "unknown option $1"
  require_tools swift
  step "ports: building the benchmark"
  program=$(build_forwarding_benchmark)
  for round in 1 2 3 4 5; do
    step "ports: round $round"
    "$program" --add-ports 1024
  done
}
