import Capture
import Foundation
import Lab
import Topology

/// What the loader of lab files asks about this host.
struct HostLabFacts: LabFacts {
  let directories: LabDirectories

  var imageDirectory: String { "\(directories.dataRoot)/images" }
  var stateDirectory: String? { directories.stateRoot }
  var longestSocketPath: Int { SocketPath.limit }

  func fileExists(_ absolutePath: String) -> Bool { FileManager.default.fileExists(atPath: absolutePath) }

  func head(of absolutePath: String, count: Int) -> [UInt8]? {
    guard let file = Self.readable(absolutePath) else { return nil }
    do {
      // Nothing at all is what an empty file has to read.
      return Array(try file.read(upToCount: count) ?? Data())
    } catch {
      return nil
    }
  }

  /// By sha256sum(1), which every Debian has, and which is as fast as the processor allows.
  func sha256(of absolutePath: String) -> String? {
    guard let file = Self.readable(absolutePath) else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    // Read from standard input: a name with a backslash or a line break would change the form of what is printed.
    process.arguments = ["sha256sum"]
    process.standardInput = file
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let text = (try? output.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: text ?? Data(), as: UTF8.self).split(separator: " ").first.map { String($0) }
  }

  func hostInterfaceExists(_ name: String) -> Bool { fileExists("/sys/class/net/\(name)") }

  /// The device is there and the processor can use it (`svm` or `vmx`).
  var hasKVM: Bool {
    guard FileManager.default.isWritableFile(atPath: "/dev/kvm") else { return false }
    return Self.lines(of: "/proc/cpuinfo").contains { line in
      line.hasPrefix("flags") && line.split(whereSeparator: \.isWhitespace).contains { $0 == "svm" || $0 == "vmx" }
    }
  }

  var availableMemory: UInt64? { Self.memory("MemAvailable:") }

  var totalMemory: UInt64? { Self.memory("MemTotal:") }

  /// A line of /proc/meminfo (proc(5)), which counts in kibibytes.
  private static func memory(_ name: String) -> UInt64? {
    lines(of: "/proc/meminfo").first { $0.hasPrefix(name) }
      .flatMap { $0.split(separator: " ").dropFirst().first }
      .flatMap { UInt64($0) }
      .map { $0 << 10 }
  }

  func interface(_ name: String, belongsTo lab: String) -> Bool {
    // Who may not read it asks a daemon that knows; it looks again.
    guard RecordedLab.isReadable(lab, in: directories) else { return true }
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.contains { node in node.traits.isOnHost && node.nics.contains { $0.name == name } }
  }

  func memoryTaken(by lab: String) -> UInt64 {
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.filter { $0.traits.isMachine }.reduce(0) { $0 + UInt64(clamping: $1.memory) }
  }

  func folderExists(_ absolutePath: String) -> Bool {
    (try? URL(filePath: absolutePath).resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory ?? false
  }

  func fileKind(_ absolutePath: String) -> FileKind? {
    let target = URL(filePath: absolutePath).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: target)
    switch attributes?[.type] as? FileAttributeType {
    case nil: return nil
    case .some(.typeRegular): return .file
    case .some(.typeDirectory): return .folder
    case .some(.typeSocket): return .socket
    case .some: return .other
    }
  }

  func mistake(inOwner text: String) -> String? { HostAccounts.mistake(in: text) }

  /// `Cpus_allowed_list` of /proc/self/status (proc(5)): `0-3,6`.
  var processors: [ClosedRange<Int>]? {
    let line = Self.lines(of: "/proc/self/status").first { $0.hasPrefix("Cpus_allowed_list:") }
    return line?.split(whereSeparator: \.isWhitespace).last?.split(separator: ",").compactMap { part in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return nil }
      return first...last
    }
  }

  func mistake(inFilter text: String) -> String? {
    do {
      _ = try Filter(text)
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// A file or block device that is open for reading; to open a pipe would wait for somebody who writes to it.
  private static func readable(_ path: String) -> FileHandle? {
    let target = URL(filePath: path).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: target)
    guard let type = attributes?[.type] as? FileAttributeType, type == .typeRegular || type == .typeBlockSpecial else {
      return nil
    }
    return FileHandle(forReadingAtPath: target)
  }

  private static func lines(of path: String) -> [Substring] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    return String(decoding: data, as: UTF8.self).split(separator: "\n")
  }
}
