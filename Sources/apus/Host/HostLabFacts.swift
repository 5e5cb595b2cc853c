import FoundationEssentials
import Lab
import Topology

/// What the loader of lab files asks about this host.
struct HostLabFacts: LabFacts {
  let directories: LabDirectories

  var imageDirectory: String { "\(directories.dataRoot)/images" }
  var stateDirectory: String? { directories.stateRoot }

  func fileExists(_ absolutePath: String) -> Bool { FileManager.default.fileExists(atPath: absolutePath) }

  func hostInterfaceExists(_ name: String) -> Bool { fileExists("/sys/class/net/\(name)") }

  /// The device is there and the processor can use it (`svm` or `vmx`).
  var hasKVM: Bool {
    guard FileManager.default.isWritableFile(atPath: "/dev/kvm") else { return false }
    return Self.lines(of: "/proc/cpuinfo").contains { line in
      line.hasPrefix("flags") && line.split(whereSeparator: \.isWhitespace).contains { $0 == "svm" || $0 == "vmx" }
    }
  }

  /// `MemAvailable` of /proc/meminfo (proc(5)), which counts in kibibytes.
  var availableMemory: UInt64? {
    Self.lines(of: "/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
      .flatMap { $0.split(separator: " ").dropFirst().first }
      .flatMap { UInt64($0) }
      .map { $0 << 10 }
  }

  func interface(_ name: String, belongsTo lab: String) -> Bool {
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.contains { node in node.kind == "tap" && node.nics.contains { $0.name == name } }
  }

  func memoryTaken(by lab: String) -> UInt64 {
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.filter { $0.kind == "vm" }.reduce(0) { $0 + UInt64(clamping: $1.memory) }
  }

  private static func lines(of path: String) -> [Substring] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    return String(decoding: data, as: UTF8.self).split(separator: "\n")
  }
}
