import Control
import FoundationEssentials
import Lab
import Topology

/// The canonical form of a lab that is up, as its daemon wrote it down.
enum RecordedLab {
  /// - Returns: nil when no lab of that name is up, or its file cannot be read.
  static func read(_ name: String, in directories: LabDirectories) -> CanonicalLab? {
    guard let data = FileManager.default.contents(atPath: directories.labFile(name)) else { return nil }
    return try? JSON.decode(CanonicalLab.self, from: [UInt8](data))
  }

  /// Whether `lab` asks for something else than what is up, so that only taking it down makes way.
  static func differs(_ recorded: CanonicalLab, from lab: CanonicalLab) -> Bool {
    var (recorded, lab) = (recorded, lab)
    (recorded.directory, lab.directory) = ("", "")
    (recorded.tests, lab.tests) = ([], [])
    return recorded != lab
  }
}
