# A package of links to the modules from the data plane down, which need no packages of others. Sourced, never run.
#
# For what sees the inside of a module, or builds it in another way than the product is built. Targets and edges are those of
# Package.swift, without .strictMemorySafety(), which the product's own build proves.
# shellcheck shell=bash

# link_modules FOLDER MODULE...: the modules' folders, each a folder of links to what is in it, so that a file can be added.
link_modules() {
  local folder=$1 module
  shift
  rm -rf "$folder/Sources" "$folder/Tests"
  for module in "$@"; do
    mkdir -p "$folder/Sources/$module"
    ln -s "$project_root"/*/"$module"/* "$folder/Sources/$module/"
  done
}

# write_manifest FOLDER < TARGETS: Package.swift with the modules' targets, and those that are given, in Swift.
#
# The package has the product's name, so that what is `package` there is in reach here.
write_manifest() {
  {
    cat <<'END'
// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "apus",
  targets: [
    .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
    .systemLibrary(name: "CNetlink", pkgConfig: "libnl-route-3.0"),
    .target(name: "Frames", swiftSettings: settings),
    .target(name: "LinuxHost", dependencies: ["CLinux", "CNetlink"], swiftSettings: settings),
    .target(name: "VhostUser", dependencies: ["LinuxHost"], swiftSettings: settings),
    .target(name: "Dataplane", dependencies: ["VhostUser", "Frames", "LinuxHost", "CLinux"], swiftSettings: settings),
END
    cat
    printf '  ]\n)\n'
  } >"$1/Package.swift"
}
