import Capture
import FoundationEssentials
import LinuxHost
import Topology

/// What the loader of lab files asks about this host.
package struct HostLabFacts: LabFacts {
  private let directories: LabDirectories

  package init(directories: LabDirectories) { self.directories = directories }

  package var imageDirectory: String { "\(directories.dataRoot)/images" }
  package var stateDirectory: String? { directories.stateRoot }
  package var longestSocketPath: Int { SocketPath.limit }

  package func hasProgram(_ name: String) -> Bool {
    Executables.find(name, ProcessInfo.processInfo.environment) != nil
  }

  package func fileExists(_ absolutePath: String) -> Bool { HostFacts.exists(absolutePath) }

  package func folderExists(_ absolutePath: String) -> Bool { HostFacts.kind(of: absolutePath) == .folder }

  package func fileKind(_ absolutePath: String) -> FileKind? {
    switch HostFacts.kind(of: absolutePath) {
    case nil: nil
    case .file: .file
    case .folder: .folder
    case .socket: .socket
    case .blockDevice, .other: .other
    }
  }

  package func head(of absolutePath: String, count: Int) -> [UInt8]? {
    guard Self.isReadable(absolutePath), let file = try? Descriptor.openFile(absolutePath) else { return nil }
    return try? file.read(at: 0, count: count)
  }

  /// By the quickest program that this host has.
  package func sha256(of absolutePath: String) -> String? {
    guard Self.isReadable(absolutePath) else { return nil }
    if let entry = ImageCatalogue(directories: directories).entry(at: absolutePath) { return entry.image.digest }
    // Read from standard input: a name with a backslash or a line break would change the form of what is printed. In our
    // session, so that who interrupts us ends it too.
    let tool = SumTool("sha256sum", ProcessInfo.processInfo.environment)
    let request = SpawnRequest(
      executable: tool.program, arguments: tool.arguments, standardInput: absolutePath, newSession: false)
    var text: [UInt8] = []
    let status = try? runHoldingThread(request) { isError, bytes in if !isError { text += bytes } }
    guard status == 0 else { return nil }
    return String(decoding: text, as: UTF8.self).split(separator: " ").first.map { String($0) }
  }

  /// A file or block device; to open a pipe would wait for somebody who writes to it.
  private static func isReadable(_ path: String) -> Bool {
    [.file, .blockDevice].contains(HostFacts.kind(of: path))
  }

  package func image(at absolutePath: String) throws(ImageFault) -> ImageContent? {
    let catalogue = ImageCatalogue(directories: directories)
    if catalogue.isRecord(absolutePath) {
      guard let entry = catalogue.entry(at: absolutePath) else {
        throw ImageFault("is not whole in the catalogue", hint: "remove it and add it again: apus image")
      }
      if let descriptor = entry.descriptor { return .appliance(descriptor) }
      return entry.image.disks.first.map { .disk($0.format) }
    }
    let bytes = try ImageBytes(path: absolutePath)
    let head = try bytes.read(at: 0, count: 512)
    if ApplianceFile.isOne(absolutePath, head: head) {
      return .appliance(try ApplianceFile(path: absolutePath).descriptor)
    }
    // For what it says of other files.
    _ = try ImageSummary.of(bytes)
    return nil
  }

  package func hostInterfaceExists(_ name: String) -> Bool { HostFacts.exists("/sys/class/net/\(name)") }

  package var hasKVM: Bool { Accelerator.ofThisHost() == .kvm }
  package var availableMemory: UInt64? { HostFacts.memoryAvailable }
  package var totalMemory: UInt64? { HostFacts.memoryTotal }
  package var processors: [ClosedRange<Int>]? { HostFacts.processors }

  package func interface(_ name: String, belongsTo lab: String) -> Bool {
    // Who may not read it asks a daemon that knows; it looks again.
    guard RecordedLab.isReadable(lab, in: directories) else { return true }
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    // That of a port that was added to it is in the way of a file that takes it: its daemon says so, by the port's name.
    let added = RecordedLab.addedInterfaces(lab, in: directories)
    return added.contains(name)
      || nodes.contains { node in node.traits.isOnHost && node.nics.contains { $0.name == name } }
  }

  package func trouble(
    taking name: String, for lab: String, node: String, isForced: Bool
  ) -> (message: String, hint: String?)? {
    var interface = HostNIC(name, lab: lab, port: Names.port(node: node, nic: name))
    interface.isForced = isForced
    // What the running lab has is looked at by its daemon.
    guard !self.interface(name, belongsTo: lab) else { return nil }
    // To look closely needs root, as to take it does.
    guard HostFacts.isRoot else { return hostInterfaceExists(name) ? nil : HostNIC.missing(name) }
    return interface.trouble(isRecorded: false)
  }

  package func memoryTaken(by lab: String) -> UInt64 {
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.filter { $0.traits.isMachine }.reduce(0) { $0 + UInt64(clamping: $1.memory) }
  }

  package func missingPackage(of need: HostNeed) -> String? {
    HostNeeds.missingPackage(of: need, ProcessInfo.processInfo.environment)
  }

  package func mistake(inOwner text: String) -> String? { HostAccounts.mistake(in: text) }

  package func mistake(inFilter text: String) -> String? {
    do {
      _ = try Filter(text)
      return nil
    } catch {
      return "\(error)"
    }
  }
}
