# The program of the benchmarks that need mock guests, tools/benchmarks/forwarding.
# shellcheck shell=bash

# build_forwarding_benchmark: builds it from links to the modules, into .build/benchmark; prints where it is.
#
# DrivenWorker and what is in tools/benchmarks/inside see the inside of the data plane: files of this build, not of the product.
build_forwarding_benchmark() {
  local folder=$project_root/.build/benchmark file
  link_modules "$folder" CLinux CNetlink Frames LinuxHost VhostUser Dataplane GuestKit
  # In a module that says of its imports how far they go, every file has to.
  for file in "$project_root/Tests/DataplaneTests/Support/DrivenWorker.swift" "$project_root"/tools/benchmarks/inside/*.swift; do
    sed -E 's/^import (LinuxHost|VhostUser)$/package import \1/' "$file" >"$folder/Sources/Dataplane/$(basename "$file")"
  done
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

