/// What a machine takes from an appliance: its `image` is an OVA, an OVF descriptor, or such an entry of the catalogue.
package struct ApplianceDefinition: Codable, Sendable, Equatable {
  /// `ovf:id` of the virtual system in it.
  package var system: String
  /// Of its deployment configurations; nil = it has none.
  package var configuration: String?
  /// In the order in which the machine has them; the first one is booted from.
  package var disks: [ApplianceDisk]
  /// What the guest is told by the OVF environment, on a CD; nil = there is no CD.
  package var properties: [ApplianceProperty]?
  package init(system: String, configuration: String?, disks: [ApplianceDisk], properties: [ApplianceProperty]?) {
    self.system = system
    self.configuration = configuration
    self.disks = disks
    self.properties = properties
  }
}

/// One disk of an appliance's machine.
package struct ApplianceDisk: Codable, Sendable, Equatable {
  /// Name of its file in the appliance; nil = it begins empty.
  package var file: String?
  /// Bytes of an empty one; 0 where the file says it.
  package var size: Int
  package var bus: DiskBus
  package init(file: String?, size: Int, bus: DiskBus) {
    self.file = file
    self.size = size
    self.bus = bus
  }
}

/// What a machine's disk is attached to.
package enum DiskBus: String, Codable, Sendable, CaseIterable { case virtio, ide, sata, pvscsi }

/// A property of the OVF environment.
package struct ApplianceProperty: Codable, Sendable, Equatable {
  /// `class.key.instance`, of which the first and last part may be missing.
  package var key: String
  package var value: String
  package init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}
