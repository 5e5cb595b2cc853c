import Lab
import Topology

/// What a lab file that came over TCP is told of this host: nothing of its files but of the folder of images.
///
/// Who may not name a path may not learn either whether it is there, what it begins with, or keep the host reading.
struct RemoteLabFacts: LabFacts {
  let host: HostLabFacts

  var imageDirectory: String { host.imageDirectory }
  var hasKVM: Bool { host.hasKVM }
  var availableMemory: UInt64? { host.availableMemory }
  var totalMemory: UInt64? { host.totalMemory }
  var stateDirectory: String? { host.stateDirectory }
  var longestSocketPath: Int { host.longestSocketPath }
  var processors: [ClosedRange<Int>]? { host.processors }

  private func isImage(_ path: String) -> Bool {
    guard path.hasPrefix("\(imageDirectory)/") else { return false }
    return !path.dropFirst(imageDirectory.count + 1).contains("/")
  }

  func fileExists(_ absolutePath: String) -> Bool { isImage(absolutePath) && host.fileExists(absolutePath) }

  func head(of absolutePath: String, count: Int) -> [UInt8]? {
    isImage(absolutePath) ? host.head(of: absolutePath, count: count) : nil
  }

  func sha256(of absolutePath: String) -> String? { nil }

  func image(at absolutePath: String) throws(ImageFault) -> ImageContent? {
    isImage(absolutePath) ? try host.image(at: absolutePath) : nil
  }

  func hostInterfaceExists(_ name: String) -> Bool { host.hostInterfaceExists(name) }

  func interface(_ name: String, belongsTo lab: String) -> Bool { host.interface(name, belongsTo: lab) }

  func trouble(
    taking name: String, for lab: String, node: String, isForced: Bool
  ) -> (message: String, hint: String?)? { host.trouble(taking: name, for: lab, node: node, isForced: isForced) }

  func memoryTaken(by lab: String) -> UInt64 { host.memoryTaken(by: lab) }
  func missingPackage(of need: HostNeed) -> String? { host.missingPackage(of: need) }
  func hasProgram(_ name: String) -> Bool { host.hasProgram(name) }
  func mistake(inFilter text: String) -> String? { host.mistake(inFilter: text) }
}
