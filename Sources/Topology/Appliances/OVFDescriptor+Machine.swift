extension OVFDescriptor {
  /// Disks that a machine may have.
  package static let mostDisks = 9
  private static let ethernet = 10
  private static let diskTypes = [17, 31]

  /// The configuration of those that are there, where the user names none; nil if there is none at all.
  package var usualConfiguration: String? { (configurations.first(where: \.isDefault) ?? configurations.first)?.id }

  /// The machine that a system is in a configuration.
  /// - Throws: what of its hardware cannot be made.
  package func machine(_ system: OVFSystem, configuration: String?) throws(ImageFault) -> ApplianceMachine {
    let items = Self.items(of: system, in: configuration)
    var machine = ApplianceMachine(system: system.name, configuration: configuration, product: system.product)
    machine.cpus = items.first { $0.type == 3 }?.quantity
    if let item = items.first(where: { $0.type == 4 }), let quantity = item.quantity {
      guard let bytes = OVFUnits.product(quantity, OVFUnits.bytes(item.units, standard: 1 << 20)) else {
        let units = item.units ?? ""
        throw ImageFault("its memory is \(quantity) of \(units.quoted) (line \(item.line)), which is not understood")
      }
      machine.memory = bytes
    }
    machine.firmware = system.firmware ?? .bios
    machine.nics = Self.inOrder(items.filter { $0.type == Self.ethernet }).map(Self.nic)
    guard machine.nics.count <= MachineLimits.nics else {
      throw ImageFault("it has \(machine.nics.count) NICs; a machine has \(MachineLimits.nics) at most")
    }
    machine.disks = try disks(of: items)
    machine.properties = system.properties.map { property in
      var property = property
      if let configuration, let value = property.values[configuration] { property.value = value }
      return property
    }
    machine.wantsEnvironment = system.wantsEnvironment
    return machine
  }

  /// What a machine needs to be wired, also of a system whose disks or memory are not understood: its faults say that.
  package func outline(
    of system: OVFSystem, configuration: String?
  ) -> (machine: ApplianceMachine, faults: [ImageFault]) {
    do throws(ImageFault) {
      let machine = try self.machine(system, configuration: configuration)
      return (machine, [])
    } catch {
      let items = Self.items(of: system, in: configuration)
      var machine = ApplianceMachine(system: system.name, configuration: configuration, product: system.product)
      machine.cpus = items.first { $0.type == 3 }?.quantity
      machine.nics = Self.inOrder(items.filter { $0.type == Self.ethernet }).map(Self.nic)
      return (machine, [error])
    }
  }

  /// The items that count: those of the configuration in the place of others of their instance.
  private static func items(of system: OVFSystem, in configuration: String?) -> [OVFItem] {
    let chosen = system.items.filter { $0.configurations.isEmpty || $0.configurations.contains(configuration ?? "") }
    let special = Set(chosen.filter { !$0.configurations.isEmpty && !$0.instance.isEmpty }.map(\.instance))
    return chosen.filter { !$0.configurations.isEmpty || !special.contains($0.instance) }
  }

  /// By their places, where all have one.
  private static func inOrder(_ items: [OVFItem]) -> [OVFItem] {
    guard items.allSatisfy({ $0.place != nil }) else { return items }
    return items.enumerated().sorted { ($0.element.place ?? 0, $0.offset) < ($1.element.place ?? 0, $1.offset) }
      .map(\.element)
  }

  // MARK: - NICs

  private static func nic(_ item: OVFItem) -> ApplianceMachine.NIC {
    ApplianceMachine.NIC(
      network: item.connections.first, model: model(item.subtype), wording: item.subtype, address: item.address,
      line: item.line)
  }

  /// The first of the alternatives that is known; virtio where it is among them.
  ///
  /// Without one, what every system drives.
  static func model(_ text: String?) -> NICModel {
    let words = (text ?? "").lowercased().split { $0.isWhitespace || $0 == "," }
    let models = words.compactMap { word -> NICModel? in
      if word.hasPrefix("vmxnet") { return .vmxnet3 }
      if word.hasPrefix("virtio") { return .virtio }
      return NICModel(rawValue: String(word))
    }
    return models.contains(.virtio) ? .virtio : models.first ?? .e1000
  }

  // MARK: - Disks

  private func disks(of items: [OVFItem]) throws(ImageFault) -> [ApplianceDisk] {
    let controllers = items.map(\.instance)
    // Those of one controller together, in the order of the controllers, and there by their places.
    var groups: [(order: Int, items: [OVFItem])] = []
    for item in items where Self.diskTypes.contains(item.type) {
      let order = item.parent.flatMap { controllers.firstIndex(of: $0) } ?? -1
      if let index = groups.firstIndex(where: { $0.order == order }) {
        groups[index].items.append(item)
      } else {
        groups.append((order, [item]))
      }
    }
    var disks: [ApplianceDisk] = []
    for item in groups.sorted(by: { $0.order < $1.order }).flatMap({ Self.inOrder($0.items) }) {
      disks.append(try disk(item, items))
    }
    guard disks.count <= Self.mostDisks else {
      throw ImageFault("it has \(disks.count) disks; a machine has \(Self.mostDisks) at most")
    }
    return disks
  }

  private func disk(_ item: OVFItem, _ items: [OVFItem]) throws(ImageFault) -> ApplianceDisk {
    let bus = Self.bus(items.first { $0.instance == item.parent && item.parent != nil })
    let place = "its disk of line \(item.line)"
    let parts = (item.resource ?? "").split(separator: "/")
    guard parts.count >= 2, let id = parts.last, let kind = parts.dropLast().last else {
      throw ImageFault("\(place) has no rasd:HostResource such as ovf:/disk/vmdisk1")
    }
    if kind == "file" {
      guard let file = files.first(where: { $0.id == id }) else {
        throw ImageFault("\(place) is in a file \(String(id).quoted) that its OVF descriptor does not name")
      }
      return ApplianceDisk(file: file.name, size: 0, bus: bus)
    }
    guard let disk = disks.first(where: { $0.id == id }) else {
      throw ImageFault("\(place) is \(String(id).quoted), which its OVF descriptor does not describe")
    }
    if disk.isDelta { throw ImageFault("its disk \(disk.id.quoted) holds only what was written over another one") }
    let file = disk.file.flatMap { id in files.first { $0.id == id } }
    guard let file else {
      guard let size = disk.capacity, size > 0, size <= ImageLimits.virtualSize else {
        throw ImageFault("its empty disk \(disk.id.quoted) has no size that is understood")
      }
      return ApplianceDisk(file: nil, size: size, bus: bus)
    }
    if let compression = file.compression {
      throw ImageFault(
        "its file \(file.name.quoted) is compressed by \(compression.quoted)",
        hint: "unpack it, and take ovf:compression out of the descriptor")
    }
    return ApplianceDisk(file: file.name, size: 0, bus: bus)
  }

  /// What its controller is here.
  ///
  /// VMware's parallel SCSI adapters are none of QEMU's; SATA is what most systems drive.
  private static func bus(_ controller: OVFItem?) -> DiskBus {
    guard let controller else { return .sata }
    let words = (controller.subtype ?? "").lowercased()
    if words.contains("virtio") { return .virtio }
    if words.contains("virtualscsi") { return .pvscsi }
    return controller.type == 5 ? .ide : .sata
  }
}

/// Bounds on what images may say of themselves.
package enum ImageLimits {
  /// Bytes of a disk as its guest sees it.
  package static let virtualSize = 64 << 40
}
