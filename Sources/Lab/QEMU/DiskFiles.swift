import Topology

/// Names of the files of a machine's disk: the first one has had them since there was only one.
struct DiskFiles: Sendable, Equatable {
  /// From 1.
  var number = 1

  private var stem: String { number == 1 ? "disk" : "disk-\(number)" }
  /// What the machine has written.
  var disk: String { "\(stem).qcow2" }
  /// That file while it is being made.
  var unfinished: String { "\(disk).new" }
  /// Which image it was made over.
  var record: String { "\(stem).image" }
  /// What the machine writes while the disk, as it was, is saved.
  var layer: String { "\(disk).layer" }
  /// That file once all of it is in the disk.
  var mergedLayer: String { "\(disk).merged" }
  /// What QEMU calls the disk, and the job that writes its layer back.
  var id: String { number == 1 ? "disk" : "disk\(number - 1)" }
  var job: String { "merge-\(id)" }

  private static let further = (2...OVFDescriptor.mostDisks).map { DiskFiles(number: $0) }
  private static let furtherNames = Set(
    further.flatMap { [$0.disk, $0.unfinished, $0.record, $0.layer, $0.mergedLayer] })
  /// What outlives the lab where disks do, of the names of other disks than the first.
  static let furtherKept = Set(further.flatMap { [$0.disk, $0.record, $0.layer] })
  private static let disks = Set(([DiskFiles()] + further).map(\.disk))

  /// Whether it is a name of another disk than the first, which `NodeFile` lists.
  static func isFurther(_ name: String) -> Bool { furtherNames.contains(name) }

  /// Whether it outlives the lab where disks do, of those `isFurther` is true of.
  static func isKept(_ name: String) -> Bool { furtherKept.contains(name) }

  /// Whether a disk is called so.
  static func isDisk(_ name: String) -> Bool { disks.contains(name) }
}
