import Lab
import Topology

/// A row of `image list`, and what `image show` prints; it asks no daemon.
package struct ImageRow: Encodable, Sendable, Equatable {
  /// How it is called in commands: its name, or `sha256:` and the beginning of its digest.
  package var name: String
  /// `disk` or `appliance`.
  package var kind: String
  /// As it was found: `qcow2`, `vmdk (streamOptimized)`, `ova`.
  package var format: String
  /// Bytes of its disks as a guest sees them; nil = not known.
  package var size: UInt64?
  package var digest: String
  /// Name of the file that it was made of.
  package var file: String
  /// ISO 8601; nil for what was only unpacked for labs.
  package var added: String?
  /// The user whom it sets up, if that is known.
  package var user: String?
  package var systems: [System]

  /// A virtual system of an appliance, in its usual configuration.
  package struct System: Encodable, Sendable, Equatable {
    package var name: String
    package var product: String?
    package var cpus: Int?
    package var memory: Int?
    package var firmware: String
    package var nics: [NIC]
    package var disks: [Disk]
    package var configurations: [String]
    package var properties: [String]
  }

  package struct NIC: Encodable, Sendable, Equatable {
    package var model: String
    package var network: String?
  }

  package struct Disk: Encodable, Sendable, Equatable {
    package var file: String?
    package var size: UInt64?
    package var bus: String
  }

  package init(_ entry: CatalogueEntry) {
    name = entry.shownName
    kind = entry.image.isAppliance ? "appliance" : "disk"
    format = entry.image.format
    let sizes = entry.image.disks.map(\.virtualSize)
    size = sizes.contains(0) ? nil : sizes.reduce(0) { $0 &+ $1 }
    digest = entry.image.digest
    file = entry.image.source
    added = entry.added
    user = entry.user
    systems =
      entry.descriptor.map { descriptor in
        descriptor.systems.compactMap { System($0, of: descriptor, entry.image) }
      } ?? []
  }

  enum CodingKeys: String, CodingKey { case name, kind, format, size, digest, file, added, user, systems }

  /// Every key is always there; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(name, forKey: .name)
    try row.encode(kind, forKey: .kind)
    try row.encode(format, forKey: .format)
    try row.encode(size, forKey: .size)
    try row.encode(digest, forKey: .digest)
    try row.encode(file, forKey: .file)
    try row.encode(added, forKey: .added)
    try row.encode(user, forKey: .user)
    try row.encode(systems, forKey: .systems)
  }
}

extension ImageRow.System {
  /// nil for one that no machine here can be.
  fileprivate init?(_ system: OVFSystem, of descriptor: OVFDescriptor, _ image: StoredImage) {
    guard let machine = try? descriptor.machine(system, configuration: descriptor.usualConfiguration) else {
      return nil
    }
    name = system.name
    product = system.product
    (cpus, memory, firmware) = (machine.cpus, machine.memory, machine.firmware.rawValue)
    nics = machine.nics.map { ImageRow.NIC(model: $0.model.rawValue, network: $0.network) }
    disks = machine.disks.map { disk in
      let stored = image.disks.first { $0.name == disk.file && disk.file != nil }
      let size = stored?.virtualSize ?? UInt64(clamping: disk.size)
      return ImageRow.Disk(file: disk.file, size: size == 0 ? nil : size, bus: disk.bus.rawValue)
    }
    configurations = descriptor.configurations.map(\.id)
    properties = machine.properties.filter(\.isUserConfigurable).map(\.key)
  }
}

extension ImageRow: Listing {
  package static var columns: [Column] {
    [
      Column("NAME"), Column("KIND"), Column("FORMAT"), Column("SIZE", .right), Column("FIRMWARE", rank: 2),
      Column("NICS", rank: 1),
      Column("USER", rank: 3), Column("FILE", rank: 4),
    ]
  }

  package var cells: [Cell] {
    let firmware = Set(systems.map(\.firmware)).sorted().joined(separator: ", ")
    let models = systems.flatMap(\.nics).map(\.model).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    return [
      Cell(name), Cell(kind), Cell(format), Cell(size.map { Units.describe(bytes: $0) }), Cell(firmware),
      Cell(models.joined(separator: ", ")), Cell(user), Cell(file),
    ]
  }

  /// The lines of `image show`.
  package var lines: [String] {
    var lines = [
      ("name", name), ("kind", kind), ("format", format), ("size", size.map { Units.describe(bytes: $0) } ?? "-"),
      ("sha256", digest), ("file", file), ("added", added ?? "-"), ("user", user ?? "-"),
    ].map { Self.line($0, $1) }
    for system in systems { lines += system.lines }
    return lines
  }

  fileprivate static func line(_ key: String, _ value: String) -> String {
    key + String(repeating: " ", count: max(1, 16 - key.count)) + value
  }
}

extension ImageRow.System {
  fileprivate var lines: [String] {
    var lines = [ImageRow.line("system", name)]
    if let product { lines.append(ImageRow.line("  product", product)) }
    let memory = memory.map { Units.describe(bytes: UInt64(clamping: $0)) } ?? "-"
    lines.append(ImageRow.line("  hardware", "cpus \(cpus.map(String.init) ?? "-"), memory \(memory), \(firmware)"))
    for (index, nic) in nics.enumerated() {
      lines.append(ImageRow.line("  eth\(index)", "\(nic.model), network \(nic.network?.quotedForPeople ?? "-")"))
    }
    for (index, disk) in disks.enumerated() {
      let size = disk.size.map { Units.describe(bytes: $0) } ?? "-"
      lines.append(ImageRow.line("  disk \(index + 1)", "\(size), \(disk.bus), \(disk.file ?? "empty")"))
    }
    if !configurations.isEmpty {
      lines.append(ImageRow.line("  configurations", configurations.joined(separator: ", ")))
    }
    if !properties.isEmpty { lines.append(ImageRow.line("  properties", properties.joined(separator: ", "))) }
    return lines
  }
}

extension String {
  /// Between double quotes, without what could steer a terminal.
  fileprivate var quotedForPeople: String {
    let clean = unicodeScalars.filter { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    return "\"\(String(String.UnicodeScalarView(clean)))\""
  }
}
