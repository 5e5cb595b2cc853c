/// What an OVF descriptor says (DMTF DSP0243, versions 1 and 2, and VMware's 0.9), as far as Apus acts on it.
package struct OVFDescriptor: Sendable, Equatable {
  /// A file that belongs to the appliance.
  package struct File: Sendable, Equatable {
    package var id: String
    /// Its name beside the descriptor.
    package var name: String
    /// Such as `gzip`; nil = it is as it is.
    package var compression: String?
  }

  struct Disk: Sendable, Equatable {
    var id: String
    /// nil = it begins empty.
    var file: String?
    /// Bytes; nil = not said, or not in numbers.
    var capacity: Int?
    /// It holds what was written over another disk.
    var isDelta: Bool
  }

  package struct Configuration: Sendable, Equatable {
    package var id: String
    package var isDefault: Bool
  }

  package var files: [File] = []
  var disks: [Disk] = []
  package var configurations: [Configuration] = []
  package var systems: [OVFSystem] = []
  /// The order in which systems start, a collection each: places of systems that start together, those first that do.
  package var startOrders: [[[Int]]] = []
  /// What is wrong with its files and names, of one that was read in spite of it.
  package var faults: [ImageFault] = []

  package init() {}

  /// Names of the files that disks are in, each once, in the descriptor's order.
  package var diskFiles: [File] {
    let used = Set(disks.compactMap(\.file))
    var seen: Set<String> = []
    return files.filter { used.contains($0.id) && seen.insert($0.name).inserted }
  }
}

/// A virtual system of a descriptor.
package struct OVFSystem: Sendable, Equatable {
  package struct Property: Sendable, Equatable {
    package var key: String
    /// What it is without a word of the user's.
    package var value: String
    /// The same by deployment configuration.
    var values: [String: String]
    package var isUserConfigurable: Bool
  }

  package var name: String
  /// Where it begins, from 1.
  package var line = 1
  /// What people call it, where it says so beside its id.
  package var displayName: String?
  /// Of its product, as people read it.
  package var product: String?
  var items: [OVFItem] = []
  var firmware: Firmware?
  package var properties: [Property] = []
  /// Asks for the OVF environment on a CD.
  var wantsEnvironment = false
}

/// An item of a system's hardware.
struct OVFItem: Sendable, Equatable {
  var configurations: [String] = []
  var instance = ""
  var parent: String?
  /// Place on its parent.
  var place: Int?
  var type = 0
  /// As written: words are alternatives.
  var subtype: String?
  var connections: [String] = []
  var resource: String?
  var quantity: Int?
  var units: String?
  /// Of a NIC.
  var address: String?
  var line = 0
}

/// The machine that a system of an appliance is, in one configuration.
package struct ApplianceMachine: Sendable, Equatable {
  package struct NIC: Sendable, Equatable {
    /// Name of its network; nil = it has none.
    package var network: String?
    package var model: NICModel
    /// The model as the appliance words it; nil = it says none.
    package var wording: String?
    /// Its MAC address as it is written.
    package var address: String?
    /// Where it begins, from 1.
    package var line = 1
  }

  package var system: String
  package var configuration: String?
  package var product: String?
  package var cpus: Int?
  /// Bytes.
  package var memory: Int?
  package var firmware = Firmware.bios
  package var nics: [NIC] = []
  package var disks: [ApplianceDisk] = []
  /// What of the OVF environment has values, and may be set; in the descriptor's order.
  package var properties: [OVFSystem.Property] = []
  package var wantsEnvironment = false

  /// Names of its NICs' networks, each once, in order.
  package var networks: [String] {
    nics.compactMap(\.network).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

/// Why a file is no image or appliance that is taken.
package struct ImageFault: Error, Sendable, Equatable, Hashable {
  /// What is wrong with it, to be put behind its name: lower case, no full stop.
  package var message: String
  /// What to do about it.
  package var hint: String?
  package init(_ message: String, hint: String? = nil) {
    self.message = message
    self.hint = hint
  }
}
