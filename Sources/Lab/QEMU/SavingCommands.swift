import Topology

extension QMPCommand {
  /// Gives QEMU the descriptor that goes with the command, under a name.
  static func takeDescriptor(_ name: String) -> QMPCommand {
    QMPCommand(name: "getfd", arguments: ["fdname": .text(name)])
  }

  /// Takes back what `takeDescriptor` gave, where it was not used.
  static func closeDescriptor(_ name: String) -> QMPCommand {
    QMPCommand(name: "closefd", arguments: ["fdname": .text(name)])
  }

  /// Writes the machine to a descriptor that QEMU was given.
  static func migrate(toDescriptor name: String) -> QMPCommand {
    QMPCommand(name: "migrate", arguments: ["uri": .text("fd:\(name)")])
  }

  /// Has a machine that was started with `-incoming defer` read itself from a descriptor that QEMU was given.
  static func takeIn(fromDescriptor name: String) -> QMPCommand {
    QMPCommand(name: "migrate-incoming", arguments: ["uri": .text("fd:\(name)")])
  }

  /// As fast as it can.
  static let unlimitedMigration = QMPCommand(
    name: "migrate-set-parameters", arguments: ["max-bandwidth": .integer(1 << 40)])

  /// A whole machine into a file: nothing that needs another end, and all of its memory.
  static let wholeMigration = QMPCommand.capabilities([
    "return-path": false, "x-ignore-shared": false, "multifd": false, "pause-before-switchover": false,
    "postcopy-ram": false, "auto-converge": false, "xbzrle": false, "events": true,
  ])

  /// The board's type, behind which there is `-machine`.
  static let queryBoard = QMPCommand(
    name: "qom-get", arguments: ["path": .text("/machine"), "property": .text("type")])
  static let queryBus = QMPCommand(name: "query-pci")
  static let queryDisks = QMPCommand(name: "query-block")
  static let queryJobs = QMPCommand(name: "query-block-jobs")

  /// Lays a new qcow2 file over a disk, which is not written to any more.
  /// - Parameter disk: the disk's id.
  static func layOver(disk: String, file: String) -> QMPCommand {
    QMPCommand(
      name: "blockdev-snapshot-sync",
      arguments: [
        "device": .text(disk), "snapshot-file": .text(file), "format": .text("qcow2"), "mode": .text("absolute-paths"),
      ])
  }

  /// Begins to write what lies over a file back into it.
  static func commit(disk: String, into file: String, job: String) -> QMPCommand {
    QMPCommand(
      name: "block-commit", arguments: ["device": .text(disk), "base": .text(file), "job-id": .text(job)])
  }

  /// Has the machine go on with the file beneath alone.
  static func complete(job: String) -> QMPCommand {
    QMPCommand(name: "block-job-complete", arguments: ["device": .text(job)])
  }
}

/// What QEMU says of a machine's parts.
enum MachineFacts {
  /// Where NICs are on the machine's bus, by their names.
  static func places(_ answer: QMPValue) -> [String: SavedNodes.Place] {
    var places: [String: SavedNodes.Place] = [:]
    for bus in answer.items {
      for device in bus["devices"]?.items ?? [] {
        guard let id = device["qdev_id"]?.text, let nic = NICDevice.name(ofID: id), let slot = device["slot"]?.integer,
          let function = device["function"]?.integer
        else { continue }
        places[nic] = SavedNodes.Place(slot: slot, function: function)
      }
    }
    return places
  }

  /// The file that a disk is, by the disk's id: the topmost.
  static func file(ofDisk id: String, _ answer: QMPValue) -> String? {
    answer.items.first { $0["device"]?.text == id }?["inserted"]?["file"]?.text
  }

  /// How far a job is.
  static func job(_ id: String, _ answer: QMPValue) -> (isReady: Bool, left: Int)? {
    guard let job = answer.items.first(where: { $0["device"]?.text == id }) else { return nil }
    let isReady = job["ready"] == .boolean(true)
    return (isReady, max(0, (job["len"]?.integer ?? 0) - (job["offset"]?.integer ?? 0)))
  }
}
