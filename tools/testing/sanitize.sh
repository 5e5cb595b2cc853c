# The tests of what is unsafe, under a sanitizer. Sourced by tools/test.
# shellcheck shell=bash

source "$project_root/tools/module-package.sh"

# Folders of the data plane's tests that look at memory of guests: rings, hostile drivers, logs, sockets.
readonly sanitized_folders=(Egress Hostile Log Memory Sessions Sockets Support Virtio)
# What another thing is slow or wrong at under the sanitizer, and why:
# - theCopyIsTheMemoryAfterEachBurst, aCopyOfTheMarkedPagesIsTheMemory: they compare megabytes byte by byte, for minutes.
# - twoHundredConnectionsLeaveNothingBehind, aFrontEndMayHangUpAtEveryMessage: the same messages again and again.
readonly not_sanitized='theCopyIsTheMemoryAfterEachBurst|aCopyOfTheMarkedPagesIsTheMemory|twoHundredConnections|aFrontEndMayHangUp'

# write_sanitized FOLDER: a package of the modules from the data plane down, and of their tests.
write_sanitized() {
  local work=$1 folder
  link_modules "$work" CLinux CNetlink Frames LinuxHost VhostUser Dataplane GuestKit TestSupport \
    FramesTests LinuxHostTests VhostUserTests
  mkdir -p "$work/Sources/DataplaneTests"
  for folder in "${sanitized_folders[@]}"; do
    ln -s "$project_root/Tests/DataplaneTests/$folder" "$work/Sources/DataplaneTests/"
  done
  write_manifest "$work" <<'END'
    .target(name: "TestSupport", dependencies: ["LinuxHost"], swiftSettings: settings),
    .target(name: "GuestKit", dependencies: ["VhostUser", "LinuxHost", "Frames"], swiftSettings: settings),
    .testTarget(name: "FramesTests", dependencies: ["Frames"], path: "Sources/FramesTests", swiftSettings: settings),
    .testTarget(
      name: "LinuxHostTests", dependencies: ["LinuxHost", "TestSupport", "CLinux"], path: "Sources/LinuxHostTests",
      swiftSettings: settings),
    .testTarget(
      name: "VhostUserTests", dependencies: ["VhostUser", "GuestKit", "TestSupport", "LinuxHost"],
      path: "Sources/VhostUserTests", swiftSettings: settings),
    .testTarget(
      name: "DataplaneTests",
      dependencies: ["Dataplane", "GuestKit", "TestSupport", "VhostUser", "Frames", "LinuxHost", "CLinux"],
      path: "Sources/DataplaneTests", swiftSettings: settings),
END
}

# sanitized_tests LIMIT LOG ARGUMENT...: a run of them. What is not freed at the end is not looked for: the process ends
# with threads that still hold things. Swift Testing's memory of its tests is not ours to judge either.
sanitized_tests() {
  local options=detect_leaks=0:halt_on_error=1:abort_on_error=0:detect_stack_use_after_return=0
  ASAN_OPTIONS=$options swift_test "$1" "$2" --sanitize address --skip "$not_sanitized" "${@:3}"
}

# address_tests FILTER: builds and runs them in a package of their own.
address_tests() {
  local work=$project_root/.build/asan status=0 filter=${1-}
  write_sanitized "$work"
  cd "$work"
  timed "building with the address sanitizer" swift build --build-tests --sanitize address >"$logs/asan-build.log" 2>&1 ||
    { tail -n 30 "$logs/asan-build.log" >&2; return 1; }
  sanitized_tests 300 asan-modules.log --parallel --skip DataplaneTests ${filter:+--filter "$filter"} || status=1
  sanitized_tests 600 asan-data-plane.log --no-parallel --filter "DataplaneTests.*$filter" || status=1
  cd "$project_root"
  return $status
}
