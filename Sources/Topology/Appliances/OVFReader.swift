/// Makes an `OVFDescriptor` of a document.
package struct OVFReader {
  /// Bytes of a descriptor.
  package static let largest = XMLReader.largest
  /// Systems, files, disks and items of a descriptor, of each.
  private static let most = 1000
  /// Nested collections of systems.
  private static let deepest = 8
  private var descriptor = OVFDescriptor()
  /// Nobody will open its files.
  private let isOutline: Bool

  private init(isOutline: Bool) { self.isOutline = isOutline }

  /// - Parameter isOutline: only its machines and how they are wired are wanted: what is wrong with its files is in
  ///   `faults` of the descriptor, and it must not be started.
  /// - Throws: what is wrong with it, with the line.
  package static func read(_ bytes: [UInt8], isOutline: Bool = false) throws(ImageFault) -> OVFDescriptor {
    let root: XMLElement
    do throws(XMLFault) {
      root = try XMLReader.read(bytes)
    } catch {
      throw ImageFault("its OVF descriptor cannot be read: line \(error.line): \(error.message)")
    }
    guard root.name == "Envelope" else {
      throw ImageFault("its OVF descriptor is none: line \(root.line) has <\(root.name.shown)>, not <Envelope>")
    }
    var reader = OVFReader(isOutline: isOutline)
    try reader.envelope(root)
    return reader.descriptor
  }

  /// The name of a section; version 0.9 says it in `xsi:type`.
  private static func kind(_ element: XMLElement) -> String {
    guard ["Section", "Content"].contains(element.name), let type = element.attributes["type"] else {
      return element.name
    }
    let local = type.split(separator: ":").last.map(String.init) ?? type
    return local.hasSuffix("_Type") ? String(local.dropLast(5)) : local
  }

  private mutating func envelope(_ root: XMLElement) throws(ImageFault) {
    for file in root.first("References")?.all("File") ?? [] {
      try tolerating { (reader: inout OVFReader) throws(ImageFault) in try reader.add(file) }
    }
    for section in root.children {
      switch Self.kind(section) {
      case "DiskSection":
        for disk in section.all("Disk") {
          try tolerating { (reader: inout OVFReader) throws(ImageFault) in try reader.add(disk: disk) }
        }
      case "DeploymentOptionSection":
        for configuration in section.all("Configuration") {
          guard let id = configuration.attributes["id"], !id.isEmpty else { continue }
          try Self.checkRoom(descriptor.configurations.count, "configurations")
          let isDefault = ["true", "1"].contains(configuration.attributes["default"] ?? "")
          descriptor.configurations.append(OVFDescriptor.Configuration(id: id, isDefault: isDefault))
        }
      default: break
      }
    }
    try addSystems(of: root, depth: 0)
    guard !descriptor.systems.isEmpty else { throw ImageFault("its OVF descriptor has no virtual system") }
    let names = descriptor.systems.map(\.name)
    if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
      try tolerating { (_: inout OVFReader) throws(ImageFault) in
        throw ImageFault("its OVF descriptor has two virtual systems \(twice.quoted)")
      }
    }
  }

  /// Does something; what is wrong there is only noted in an outline, up to a bound.
  private mutating func tolerating(_ body: (inout OVFReader) throws(ImageFault) -> Void) throws(ImageFault) {
    do throws(ImageFault) {
      try body(&self)
    } catch {
      guard isOutline, descriptor.faults.count < Self.most else { throw error }
      descriptor.faults.append(error)
    }
  }

  /// - Throws: when there is no room for one more than `count`, before much is made of them.
  private static func checkRoom(_ count: Int, _ what: String) throws(ImageFault) {
    guard count < most else { throw ImageFault("its OVF descriptor has more than \(most) \(what)") }
  }

  private mutating func add(_ file: XMLElement) throws(ImageFault) {
    try Self.checkRoom(descriptor.files.count, "files")
    guard let id = file.attributes["id"], let name = file.attributes["href"] else {
      throw ImageFault("line \(file.line) of its OVF descriptor: a file needs ovf:id and ovf:href")
    }
    guard PlainName.isValid(name) else {
      throw ImageFault(
        "its OVF descriptor refers to \(name.quoted) (line \(file.line))", hint: PlainName.rule)
    }
    if file.attributes["chunkSize"] != nil { throw ImageFault("its file \(name.quoted) is cut into chunks") }
    let compression = file.attributes["compression"].flatMap { ["", "identity"].contains($0) ? nil : $0 }
    descriptor.files.append(OVFDescriptor.File(id: id, name: name, compression: compression))
  }

  private mutating func add(disk: XMLElement) throws(ImageFault) {
    try Self.checkRoom(descriptor.disks.count, "disks")
    guard let id = disk.attributes["diskId"] else {
      throw ImageFault("line \(disk.line) of its OVF descriptor: a disk needs ovf:diskId")
    }
    let file = disk.attributes["fileRef"].flatMap { $0.isEmpty ? nil : $0 }
    if let file, !descriptor.files.contains(where: { $0.id == file }) {
      throw ImageFault("its disk \(id.quoted) is in a file \(file.quoted) that its OVF descriptor does not name")
    }
    let units = OVFUnits.bytes(disk.attributes["capacityAllocationUnits"], standard: 1)
    let count = disk.attributes["capacity"].flatMap { Int($0.trimmed) }
    let capacity = count.flatMap { OVFUnits.product($0, units) }
    let isDelta = !(disk.attributes["parentRef"] ?? "").isEmpty
    descriptor.disks.append(OVFDescriptor.Disk(id: id, file: file, capacity: capacity, isDelta: isDelta))
  }

  private mutating func addSystems(of element: XMLElement, depth: Int) throws(ImageFault) {
    guard depth <= Self.deepest else { throw ImageFault("its OVF descriptor nests its virtual systems too deep") }
    var places: [String: Range<Int>] = [:]
    defer { addStartOrder(of: element, places) }
    for child in element.children {
      let first = descriptor.systems.count
      defer { if let id = child.attributes["id"] { places[id] = first..<descriptor.systems.count } }
      switch Self.kind(child) {
      case "VirtualSystem":
        guard descriptor.systems.count < Self.most else {
          throw ImageFault("its OVF descriptor has more than \(Self.most) virtual systems")
        }
        descriptor.systems.append(try Self.system(child))
      case "VirtualSystemCollection": try addSystems(of: child, depth: depth + 1)
      default: break
      }
    }
  }

  /// Of a collection, by the names of what is in it; order 0 says none.
  private mutating func addStartOrder(of element: XMLElement, _ places: [String: Range<Int>]) {
    var groups: [Int: [Int]] = [:]
    for section in element.children where Self.kind(section) == "StartupSection" {
      for item in section.all("Item").prefix(Self.most) {
        guard let order = item.attributes["order"].flatMap({ Int($0) }), order > 0,
          let systems = item.attributes["id"].flatMap({ places[$0] })
        else { continue }
        groups[order, default: []] += systems
      }
    }
    if groups.count > 1 { descriptor.startOrders.append(groups.sorted { $0.key < $1.key }.map(\.value)) }
  }

  // MARK: - Systems

  private static func system(_ element: XMLElement) throws(ImageFault) -> OVFSystem {
    let name = element.attributes["id"] ?? element.value("Name") ?? "system"
    var system = OVFSystem(name: name, line: element.line, displayName: element.value("Name"))
    for section in element.children {
      switch kind(section) {
      case "ProductSection":
        system.product = system.product ?? section.value("Product")
        system.properties += properties(section)
      case "VirtualHardwareSection":
        try addHardware(section, to: &system)
      // VirtualBox keeps its own description beside the standard's.
      case "Machine":
        let type = section.first("Hardware")?.first("Firmware")?.attributes["type"] ?? ""
        if type.uppercased().hasPrefix("EFI") { system.firmware = .uefi }
      default: break
      }
    }
    return system
  }

  private static func addHardware(_ section: XMLElement, to system: inout OVFSystem) throws(ImageFault) {
    let transport = section.attributes["transport"] ?? ""
    if transport.split(whereSeparator: \.isWhitespace).contains("iso") { system.wantsEnvironment = true }
    for child in section.children {
      switch child.name {
      case "Item", "EthernetPortItem", "StorageItem":
        // What bounds the others is no device.
        guard (child.attributes["bound"] ?? "").isEmpty else { continue }
        guard system.items.count < most else {
          throw ImageFault("its system \(system.name.quoted) has more than \(most) items of hardware")
        }
        system.items.append(item(child))
      case "Config", "ExtraConfig":
        guard child.attributes["key"]?.lowercased() == "firmware" else { continue }
        system.firmware = child.attributes["value"]?.lowercased() == "efi" ? .uefi : .bios
      default: break
      }
    }
  }

  private static func item(_ element: XMLElement) -> OVFItem {
    var item = OVFItem()
    item.configurations = words(element.attributes["configuration"])
    item.instance = element.value("InstanceID") ?? element.value("InstanceId") ?? ""
    item.parent = element.value("Parent")
    item.place = element.value("AddressOnParent").flatMap { Int($0) }
    // An element of its own need not say what it is.
    let standard = ["EthernetPortItem": 10, "StorageItem": 17][element.name] ?? 0
    item.type = element.value("ResourceType").flatMap { Int($0) } ?? standard
    item.subtype = element.value("ResourceSubType")
    item.connections = element.all("Connection").map(\.text.trimmed).filter { !$0.isEmpty }
    item.resource = element.value("HostResource")
    item.quantity = element.value("VirtualQuantity").flatMap { Int($0) }
    item.units = element.value("AllocationUnits")
    item.address = element.value("Address")
    item.line = element.line
    return item
  }

  private static func properties(_ section: XMLElement) -> [OVFSystem.Property] {
    let head = section.attributes["class"].flatMap { $0.isEmpty ? nil : "\($0)." } ?? ""
    let tail = section.attributes["instance"].flatMap { $0.isEmpty ? nil : ".\($0)" } ?? ""
    return section.all("Property").prefix(most).compactMap { element in
      guard let key = element.attributes["key"], !key.isEmpty else { return nil }
      var values: [String: String] = [:]
      for value in element.all("Value") {
        for configuration in words(value.attributes["configuration"]) {
          values[configuration] = value.attributes["value"] ?? ""
        }
      }
      return OVFSystem.Property(
        key: head + key + tail, value: element.attributes["value"] ?? element.attributes["defaultValue"] ?? "",
        values: values, isUserConfigurable: ["true", "1"].contains(element.attributes["userConfigurable"] ?? ""))
    }
  }

  private static func words(_ text: String?) -> [String] {
    (text ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
  }
}

/// Units of DMTF's programmatic form.
enum OVFUnits {
  /// Bytes of one unit: `byte * 2^20`, `MegaBytes`; `standard` for nothing, nil for what is not understood.
  static func bytes(_ text: String?, standard: Int) -> Int? {
    let text = (text ?? "").filter { !$0.isWhitespace }.lowercased()
    switch text {
    case "": return standard
    case "byte", "bytes", "b": return 1
    case "kilobytes", "kb": return 1 << 10
    case "megabytes", "mb": return 1 << 20
    case "gigabytes", "gb": return 1 << 30
    case "terabytes", "tb": return 1 << 40
    default:
      guard text.hasPrefix("byte*") else { return nil }
      return text.dropFirst(5).split(separator: "*", omittingEmptySubsequences: false).reduce(Optional(1)) {
        all, part in
        guard let all, let factor = power(part) else { return nil }
        return product(all, factor)
      }
    }
  }

  /// `2^20`, or a plain number.
  private static func power(_ text: Substring) -> Int? {
    let parts = text.split(separator: "^", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let base = Int(parts[0]), base > 0 else { return nil }
    guard parts.count == 2 else { return base }
    guard let exponent = Int(parts[1]), (0...62).contains(exponent) else { return nil }
    return (0..<exponent).reduce(Optional(1)) { all, _ in all.flatMap { product($0, base) } }
  }

  /// nil where it overflows, is negative, or a factor is not known.
  static func product(_ one: Int, _ other: Int?) -> Int? {
    guard let other, one >= 0, other >= 0 else { return nil }
    let (result, isTooLarge) = one.multipliedReportingOverflow(by: other)
    return isTooLarge ? nil : result
  }
}

/// Names by which images and appliances may refer to other files.
package enum PlainName {
  /// What is allowed, for messages.
  package static let rule = "only plain names of files beside it are followed"

  /// Whether it can only be a file in the same folder: no path, no protocol, nothing hidden or steering a terminal.
  package static func isValid(_ name: String) -> Bool {
    let hasOddities = name.unicodeScalars.contains {
      Quoting.isControl($0) || ["/", "\\", ":", "\""].contains($0)
    }
    return !hasOddities && (1...255).contains(name.utf8.count) && !name.hasPrefix(".")
  }
}
