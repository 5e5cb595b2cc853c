import FoundationEssentials
import Topology

/// The canonical form of a lab that is up, as its daemon wrote it down, for those who are no daemon.
package enum RecordedLab {
  /// - Returns: nil when no lab of that name is up, or its file cannot be read.
  package static func read(_ name: String, in directories: LabDirectories) -> CanonicalLab? {
    (try? LabState.read(name, in: directories)) ?? nil
  }

  /// Names of the interfaces of this host that ports have which were added to a lab at run time.
  static func addedInterfaces(_ name: String, in directories: LabDirectories) -> Set<String> {
    let ports = RunTimeState.read(name, in: directories).ports
    return Set(ports.filter { AddedPortKind.named($0.kind)?.isInterface ?? false }.map(\.target))
  }

  /// Whether this user may read it, if it is there.
  package static func isReadable(_ name: String, in directories: LabDirectories) -> Bool {
    let path = directories.labFile(name)
    return !FileManager.default.fileExists(atPath: path) || FileManager.default.isReadableFile(atPath: path)
  }

  /// Why `lab` cannot be put in the place of what is up: it is from another file.
  package static func conflict(_ recorded: CanonicalLab, with lab: CanonicalLab) -> UserError? {
    do throws(UserError) {
      try Planner.checkSource(of: lab, against: recorded)
      return nil
    } catch {
      return UserError(.different, error.message, hint: error.hint)
    }
  }

  /// Whether only taking down what is up makes way for `lab`: it came from another file, or has other workers.
  package static func isInTheWay(_ recorded: CanonicalLab, of lab: CanonicalLab) -> Bool {
    recorded.source != lab.source || recorded.workers != lab.workers
  }
}
