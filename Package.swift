// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: a warning is an error, every unsafe use is marked, `any` is spelt out.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .treatWarning("DeprecatedDeclaration", as: .warning),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Tests look at raw memory of the guests they play, so they do not mark each unsafe use.
let tests: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .treatWarning("DeprecatedDeclaration", as: .warning),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")

// The edges below are the house of docs/architecture.md; tools/check-imports compares the two.
let package = Package(
  name: "apus",
  products: [
    .executable(name: "apus", targets: ["apus"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .executableTarget(
      name: "apus",
      dependencies: ["Control", "Lab", "Importing", "Topology", "Capture", "Frames", argumentParser, logging],
      swiftSettings: strict),
    .target(
      name: "Control",
      dependencies: [
        "Lab", "Capture", "Dataplane", "Topology", "Frames", "CPage", hummingbird, hummingbirdCore, logging, nioCore,
        nioHTTP1, nioPosix, nioWebSocket,
      ],
      swiftSettings: strict),
    .target(
      name: "Lab",
      dependencies: ["Topology", "Dataplane", "Capture", "Frames", "LinuxHost", logging],
      swiftSettings: strict),
    .target(name: "Importing", dependencies: ["Topology", "Frames"], swiftSettings: strict),
    .target(name: "Topology", dependencies: ["Frames", yams], swiftSettings: strict),
    .target(
      name: "Capture",
      dependencies: ["Dataplane", "Frames", "LinuxHost", "CPcap"],
      swiftSettings: strict),
    .target(
      name: "Dataplane",
      dependencies: ["VhostUser", "Frames", "LinuxHost", "CLinux"],
      swiftSettings: strict),
    .target(name: "VhostUser", dependencies: ["LinuxHost"], swiftSettings: strict),
    .target(name: "Frames", swiftSettings: strict),
    .target(name: "LinuxHost", dependencies: ["CLinux", "CNetlink"], swiftSettings: strict),
    .target(name: "CPage", exclude: ["assets"], linkerSettings: [.linkedLibrary("z")]),
    .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
    .systemLibrary(
      name: "CNetlink", pkgConfig: "libnl-route-3.0",
      providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),

    .target(
      name: "GuestKit",
      dependencies: ["VhostUser", "LinuxHost", "Frames"],
      path: "Tests/GuestKit", swiftSettings: tests),
    .target(name: "TestSupport", dependencies: ["LinuxHost"], path: "Tests/TestSupport", swiftSettings: tests),
    .testTarget(name: "FramesTests", dependencies: ["Frames"], swiftSettings: tests),
    .testTarget(name: "LinuxHostTests", dependencies: ["LinuxHost", "TestSupport", "CLinux"], swiftSettings: tests),
    .testTarget(
      name: "VhostUserTests", dependencies: ["VhostUser", "GuestKit", "TestSupport", "LinuxHost"],
      swiftSettings: tests),
    .testTarget(
      name: "DataplaneTests",
      dependencies: ["Dataplane", "GuestKit", "TestSupport", "VhostUser", "Frames", "LinuxHost", "CLinux"],
      swiftSettings: tests),
    .testTarget(
      name: "CaptureTests",
      dependencies: ["Capture", "Dataplane", "GuestKit", "TestSupport", "VhostUser", "Frames", "LinuxHost", "CPcap"],
      swiftSettings: tests),
    .testTarget(name: "ImportingTests", dependencies: ["Importing", "Topology", "TestSupport"], swiftSettings: tests),
    .testTarget(name: "TopologyTests", dependencies: ["Topology", "TestSupport", "Frames"], swiftSettings: tests),
    .testTarget(
      name: "LabTests",
      dependencies: [
        "Lab", "Capture", "Dataplane", "Topology", "LinuxHost", "Frames", "GuestKit", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "ControlTests",
      dependencies: ["Control", "Lab", "Capture", "Dataplane", "Topology", "Frames", "LinuxHost", "TestSupport"],
      swiftSettings: tests),
    .testTarget(
      name: "CommandTests", dependencies: ["apus", "Control", "TestSupport", argumentParser], swiftSettings: tests),
    .testTarget(
      name: "EndToEnd",
      dependencies: ["GuestKit", "TestSupport", "LinuxHost", "Frames"],
      path: "Tests/EndToEnd", swiftSettings: tests),
  ]
)
