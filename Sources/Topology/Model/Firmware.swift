/// What a machine begins with.
package enum Firmware: String, Codable, Sendable, CaseIterable {
  /// SeaBIOS.
  case bios
  /// OVMF, with a store of variables of the machine's own.
  case uefi
}

/// What firmware may start a system from.
package enum BootSource: String, Codable, Sendable, CaseIterable {
  /// Its NICs, in their order.
  case network
  case disk
}

extension NodeDefinition {
  /// The word of `image` for a machine that has none.
  package static let noImage = "none"

  /// A machine without an image: its disk, if it has one, is empty at first.
  package var hasNoImage: Bool { image == Self.noImage && disk != nil }

  /// What its firmware tries, in this order; empty for a machine that is handed its kernel.
  package var bootOrder: [BootSource] {
    guard disk != nil else { return [] }
    if let boot { return boot }
    guard hasNoImage else { return [.disk] }
    // So a system that was installed from the network starts from the disk the next time.
    return emptyDisk == nil ? [.network] : [.disk, .network]
  }
}
