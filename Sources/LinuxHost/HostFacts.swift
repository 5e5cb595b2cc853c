import CLinux
import Glibc

/// What this host has.
package enum HostFacts {
  /// Whether the processor can run guests in hardware (Intel VT-x or AMD-V), as far as the kernel sees it.
  package static var cpuHasVirtualization: Bool {
    guard let text = text(ofFile: "/proc/cpuinfo") else { return false }
    let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    return flags.split(separator: " ").contains { $0 == "svm" || $0 == "vmx" }
  }

  /// Whether this process may use KVM: /dev/kvm is there and opens for reading and writing.
  package static var hasKVM: Bool {
    // SAFETY: the path is a C string for the length of the call.
    let raw = unsafe open("/dev/kvm", O_RDWR | O_CLOEXEC)
    guard raw >= 0 else { return false }
    close(raw)
    return true
  }

  /// Memory that new processes can have without swapping, in bytes (MemAvailable); nil if the kernel does not say.
  package static var memoryAvailable: UInt64? { memory("MemAvailable:") }

  /// All memory of this host, in bytes; nil if the kernel does not say.
  package static var memoryTotal: UInt64? { memory("MemTotal:") }

  /// A line of /proc/meminfo (proc(5)), which counts in kibibytes.
  private static func memory(_ name: String) -> UInt64? {
    for line in (text(ofFile: "/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix(name) {
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }
      return kibibytes.map { $0 * 1024 }
    }
    return nil
  }

  /// Numbers of the processors on which this process may run (`Cpus_allowed_list` of proc(5), such as `0-3,6`); nil if
  /// the kernel does not say.
  package static var processors: [ClosedRange<Int>]? {
    let lines = text(ofFile: "/proc/self/status")?.split(separator: "\n") ?? []
    guard let line = lines.first(where: { $0.hasPrefix("Cpus_allowed_list:") }) else { return nil }
    return line.split(whereSeparator: \.isWhitespace).last?.split(separator: ",").compactMap { part in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return nil }
      return first...last
    }
  }

  /// Whether the effective user is root.
  package static var isRoot: Bool { geteuid() == 0 }

  /// Whether something is at this path; symbolic links are followed.
  package static func exists(_ path: String) -> Bool {
    // SAFETY: the path is a C string for the length of the call.
    unsafe access(path, F_OK) == 0
  }

  /// What can lie at a path.
  package enum PathKind: Sendable, Equatable { case file, folder, socket, blockDevice, other }

  /// What lies at a path, symbolic links followed; nil = nothing, or it cannot be asked.
  package static func kind(of path: String) -> PathKind? {
    var status = stat()
    // SAFETY: the path is a C string, and the structure ours, for the length of the call.
    guard unsafe stat(path, &status) == 0 else { return nil }
    return switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .folder
    case S_IFSOCK: .socket
    case S_IFBLK: .blockDevice
    default: .other
    }
  }

  /// A small text file, up to 1 MiB of it; nil if it cannot be read.
  ///
  /// Bytes that are not UTF-8 are replaced.
  package static func text(ofFile path: String) -> String? {
    // SAFETY: the path is a C string for the length of the call.
    let raw = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return nil }
    let file = Descriptor(owning: raw)
    var bytes: [UInt8] = []
    while bytes.count < 1 << 20 {
      guard let part = try? file.read(size: 1 << 16) else { return nil }
      if part.isEmpty { break }
      bytes += part
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Names in a directory but `.` and `..`, sorted; empty if it cannot be read.
  package static func entries(of directory: String) -> [String] {
    (try? Folder(directory).names()) ?? []
  }
}
