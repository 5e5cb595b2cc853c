import Lab
import Topology

extension LabDocument {
  /// What a machine takes from an appliance.
  struct Appliance: Described, Equatable {
    struct Disk: Described, Equatable {
      var file: String?
      var size: Int?
      var bus: DiskBus

      static let shape = Shape.object(
        "LabApplianceDisk", "A disk of an appliance.",
        [
          Field(optional: "file", .text, "Its file in the appliance; an empty disk has none."),
          Field(optional: "size", .integer(1...ImageLimits.virtualSize), "Bytes of an empty one."),
          Field("bus", .choice(DiskBus.allCases.map(\.rawValue)), "What it is attached to."),
        ])
    }

    struct Property: Described, Equatable {
      var key: String
      var value: String

      static let shape = Shape.object(
        "LabApplianceProperty", "A property of the OVF environment.",
        [Field("key", .text, "`class.key.instance`."), Field("value", .text, "May be empty.")])
    }

    var system: String
    var configuration: String?
    var disks: [Disk]
    var properties: [Property]?

    static let shape = Shape.object(
      "LabAppliance", "What a machine takes from an appliance.",
      [
        Field("system", .text, "Its virtual system."),
        Field(optional: "configuration", .text, "Its deployment configuration."),
        Field("disks", .list(Disk.shape), "In the machine's order."),
        Field(optional: "properties", .list(Property.shape), "Its OVF environment, on a CD; no CD without it."),
      ])
  }
}

extension LabDocument.Appliance {
  init(_ definition: ApplianceDefinition) {
    system = definition.system
    configuration = definition.configuration
    disks = definition.disks.map { Disk(file: $0.file, size: $0.file == nil ? $0.size : nil, bus: $0.bus) }
    properties = definition.properties.map { $0.map { Property(key: $0.key, value: $0.value) } }
  }

  var definition: ApplianceDefinition {
    ApplianceDefinition(
      system: system, configuration: configuration,
      disks: disks.map { ApplianceDisk(file: $0.file, size: $0.size ?? 0, bus: $0.bus) },
      properties: properties.map { $0.map { ApplianceProperty(key: $0.key, value: $0.value) } })
  }
}
