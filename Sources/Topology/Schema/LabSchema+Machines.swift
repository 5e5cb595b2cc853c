/// Virtual machines.
extension LabSchema {
  static let defaults = ObjectSchema("defaults", machine + setup)

  /// Keys of virtual machines that `defaults` has too.
  static let machine = [
    Key(
      "image", .either([.text, .object(image)]),
      "`builtin`, the tiny Linux that ships with Apus, a disk image, or none; of a container the name of its image."
    ),
    Key("memory", .size, "Memory, 32M to 1T, for `builtin` 80M and up; 128M without it."),
    Key("cpus", .integer(Limits.cpus), "Processors; 1 without it."),
    Key("persist", .boolean, "What the machine wrote on its disk stays when the lab is taken down; off without it."),
    Key("cloud-init", .object(cloudInit), "What cloud-init is told on the first boot of a machine from an image."),
    Key("ready", .object(ready), "When the machine counts as ready; all that is said must be true."),
    Key(
      "firmware", .choice(Firmware.allCases.map(\.rawValue)),
      "What a machine that is no `builtin` one begins with; bios without it."),
    Key(
      "boot", .oneOrMore(.choice(BootSource.allCases.map(\.rawValue))),
      "What its firmware tries, in this order; disk without it, and with `image: none` network, too."),
    Key("disk", .size, "Size of the empty disk of a machine with `image: none`, 1M to 64T; it has none without it."),
  ]

  /// The key of machines and containers that `defaults` has not.
  static let after = Key(
    "after", .oneOrMore(.text), "Nodes that must be ready before it starts: gw, gw.ready or gw.started.")

  /// What only a node says, as it names switches.
  static let networks = Key(
    "networks", .map(.optional(.object(nic)), names: "^.+$"),
    "What the networks of an appliance are here: settings of the NICs on them, by the networks' names.")

  static let image = ObjectSchema(
    "image",
    [
      Key("file", .text, "A disk image or appliance, beside the lab file, in the folder of images or the catalogue.")
        .required,
      Key("sha256", .digest, "SHA-256 that the file must have."),
      Key(
        "format", .choice(DiskDefinition.Format.allCases.map(\.rawValue)),
        "Found from the file's first bytes without it; raw must be said unless the name ends in .raw or .img."),
      Key("system", .text, "Of an appliance with several virtual systems: the one that is meant, by its ovf:id."),
      Key("configuration", .text, "Of an appliance with several: the one that is meant; its own choice without it."),
      Key("properties", .map(.text, names: "^.+$"), "What the appliance is told by its OVF environment, by key."),
    ])

  static let cloudInit = ObjectSchema(
    "cloud-init",
    [
      Key("user-data", .text, "A file, or the document itself: a text of several lines."),
      Key("meta-data", .text, "As user-data; made from the names of lab and node without it."),
      Key("network-config", .text, "As user-data; made from the NICs' addresses without it."),
    ])

  static let ready = ObjectSchema(
    "ready",
    [
      Key("console", .text, "Text that the console has shown since the start; no pattern."),
      Key("tcp", .integer(Limits.ports), "Port that accepts connections at the machine's first address on a switch."),
      Key("agent", .boolean, "QEMU's guest agent answers."),
      Key("timeout", .time, "Time that all this may take, 1s to 1h; 300s without it."),
    ])
}
