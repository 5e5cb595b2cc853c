extension ImageRow {
  package static let shape = Shape.object(
    "Image", "A row of `image list`: an image that lab files call by name.",
    [
      Field("name", .text, "Its name, or `sha256:` and the beginning of its digest."),
      Field("kind", .choice(["disk", "appliance"]), "What it is."),
      Field("format", .text, "As it was found: `qcow2`, `vmdk (streamOptimized)`, `ova`."),
      Field("size", .nullable(.count), "Bytes of its disks as a guest sees them."),
      Field("digest", .text, "SHA-256 of what it was made of."),
      Field("file", .text, "Name of the file that it was made of."),
      Field("added", .nullable(.text), "When, ISO 8601; null for what was only unpacked for labs."),
      Field("user", .nullable(.text), "The user whom it sets up, if that is known."),
      Field("systems", .list(system), "Of an appliance: its machines."),
    ])

  private static let system = Shape.object(
    "ImageSystem", "A virtual system of an appliance, in its usual configuration.",
    [
      Field("name", .text, "As the appliance has it."),
      Field(optional: "product", .text, "What it is."),
      Field(optional: "cpus", .count, "Processors."),
      Field(optional: "memory", .count, "Bytes."),
      Field("firmware", .text, "`bios` or `uefi`."),
      Field("nics", .list(nic), "In its order."),
      Field("disks", .list(disk), "In its order."),
      Field("configurations", .list(.text), "That it can be set up in."),
      Field("properties", .list(.text), "That whoever sets it up may say."),
    ])

  private static let nic = Shape.object(
    "ImageNIC", "A NIC of a virtual system.",
    [Field("model", .text, "As lab files have it."), Field(optional: "network", .text, "What it is to be on.")])

  private static let disk = Shape.object(
    "ImageDisk", "A disk of a virtual system.",
    [
      Field(optional: "file", .text, "What is on it; not there = nothing."), Field(optional: "size", .count, "Bytes."),
      Field("bus", .text, "How it is attached."),
    ])
}
